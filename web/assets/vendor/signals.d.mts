export * from "./signals-core.mjs";
