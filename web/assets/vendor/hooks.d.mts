export function useState<T>(first: T | (() => T)): [T, (next: T | ((was: T) => T)) => void];
export function useEffect(work: () => void | (() => void), on?: any[]): void;
export function useLayoutEffect(work: () => void | (() => void), on?: any[]): void;
export function useRef<T = any>(first?: any): { current: T };
export function useMemo<T>(make: () => T, on: any[]): T;
export function useCallback<T>(make: T, on: any[]): T;
