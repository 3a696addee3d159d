/** What `tallyman verify` can be told to require. */
export const requirable = ['signature', 'provenance', 'sbom', 'base'] as const;
export type Requirable = (typeof requirable)[number];
