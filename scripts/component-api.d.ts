export function componentApi(modules: Readonly<Record<string, object>>): string;
