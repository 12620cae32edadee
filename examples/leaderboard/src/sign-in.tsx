import { useAuthActions } from "@convex-dev/auth/react";
import { useActionState, useState } from "react";

export function SignIn() {
  const { signIn } = useAuthActions();
  const [isNew, setIsNew] = useState(false);
  const [failure, submit, isPending] = useActionState(async (_before: string, form: FormData) => {
    try {
      await signIn("password", form);
      return "";
    } catch {
      return isNew
        ? "That did not work: a password has at least 8 characters."
        : "No such player, or another password.";
    }
  }, "");
  return (
    <form action={submit}>
      <input name="email" type="email" placeholder="Email" autoComplete="email" required />
      <input
        name="password"
        type="password"
        placeholder="Password"
        autoComplete="current-password"
        required
      />
      <input name="flow" type="hidden" value={isNew ? "signUp" : "signIn"} />
      <button disabled={isPending}>{isNew ? "Sign up" : "Sign in"}</button>
      <button type="button" className="quiet" onClick={() => setIsNew(!isNew)}>
        {isNew ? "I have an account" : "I am new"}
      </button>
      <p role="alert">{failure}</p>
    </form>
  );
}
