/** What the command's exit code means; part of the contract with scripts. */
export const exitCodes = {
  ok: 0,
  failure: 1,
  usage: 2,
  notFound: 3,
  unreachable: 4,
  /** `verify`: something required is invalid, untrusted or absent. */
  notVerified: 5,
  /** `verify`: something required could not be looked at. */
  couldNotLook: 6,
  interrupted: 130,
} as const;

export const exitCodeHelp = `
Exit codes:
  0  done            1  failed          2  wrong usage
  3  not found       4  cannot reach the collector or NATS
`;
