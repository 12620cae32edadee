export default {
  providers: [
    {
      type: "customJwt",
      issuer: process.env["ISSUER"],
      jwks: `${process.env["ISSUER"]}/keys`,
      algorithm: "ES256",
    },
  ],
};
