// What the console offers by role; the server decides (tocsin.core.access).

/** Who may write a warning to the public: `manage:warnings`. */
export const WARNERS: ReadonlySet<string> = new Set(["dispatcher", "supervisor"]);
