/** Values of an option that may be given several times; none where it was not given. */
export const textsOf = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : []);
