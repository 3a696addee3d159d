/**
 * Words for sentences, by catalog type. Only `summary` can use them: they are made for people, some from files that the
 * container can change, so conditions, keys and exceptions do not know them.
 */
export const sentenceFields: Record<string, Record<string, string>> = {
  Process: {
    user: 'Its effective user by the container’s `/etc/passwd`: `www-data`; `user 1000` where that has no name for it.',
    who: 'Program and user: `nginx (www-data)`, `python3 main.py (root)`.',
    startedBy:
      'Who started it, behind “by”: `nginx (www-data)`, `the container runtime`, `somebody at a terminal outside the container`, `the container’s health check`, `a session from outside the container` or `an unknown process`.',
    lineage: 'The programs from the container’s first one down to it: `tini → node → sh`.',
  },
  Executable: {
    origin:
      'Where the file comes from, behind its name: `was written at run time by curl (root) 3 s before`, `is part of the image`, `was mounted into the container`. Who and when only where they are known.',
    writer: 'Who wrote the file last: `curl (root)`; empty where nobody watched.',
    age: 'How long before it was executed the file was last changed: `3 s`; empty where that is not known.',
  },
};
