/**
 * Proof that the linter's type-aware rules really run. The line below breaks one of them and says so;
 * were the rule not running, the linter would report the directive as unused, and the lint would fail.
 */
async function work(): Promise<void> {
  await Promise.resolve();
}

export function forgetsToAwait(): void {
  // oxlint-disable-next-line typescript/no-floating-promises
  work();
}
