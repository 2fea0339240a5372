export type Node = any;
export function h(type: any, props?: any, ...children: any[]): any;
export function render(node: any, into: Element): void;
export class Component<P = any, S = any> {
  constructor(props?: P);
  props: P;
  state: S;
  setState(state: Partial<S>): void;
  forceUpdate(): void;
  shouldComponentUpdate?(props: P, state: S): boolean;
}
export const Fragment: any;
