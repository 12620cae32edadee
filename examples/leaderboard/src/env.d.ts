interface ImportMetaEnv {
  /** Where the server is: `trueup dev` writes it into `.env.local`. */
  readonly VITE_CONVEX_URL: string;
}
