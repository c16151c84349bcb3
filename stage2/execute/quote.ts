/** Quotes a word for a POSIX shell: the one place that does, on machine and desk. NUL cannot be in a word. */
export function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
