/**
 * Ends the processes that have a word among their arguments. sudo stays as the parent of what it runs, with the word in
 * its own command line, and passes TERM on (sudo(8), SIGNALS).
 */
const END = `
for file in /proc/[0-9]*/cmdline; do
  pid=\${file#/proc/}
  pid=\${pid%/cmdline}
  [ "$pid" != "$$" ] && tr '\\0' '\\n' <"$file" 2>/dev/null | grep -qxF -- "bootlace-$1" && kill -TERM "$pid"
done
exit 0
`;

/** The command that ends what runs under `bootlace-ID`. It names the id alone, or it would end itself. */
export const endByToken = (id: string): readonly string[] => ["sh", "-c", END, "bootlace-end", id];
