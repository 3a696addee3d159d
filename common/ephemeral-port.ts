/** Ports from here on are those that the kernel chooses by default: which one says nothing about the program. */
export const firstEphemeralPort = 32_768;
