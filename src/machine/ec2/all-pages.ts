/** All pages of an answer that comes in pages. @param ask with the token of the next one, undefined for the first. */
export async function allPages<T extends { readonly NextToken?: string | undefined }>(
  ask: (token: string | undefined) => Promise<T>,
): Promise<readonly T[]> {
  const pages: T[] = [];
  for (let token: string | undefined; ; ) {
    const page = await ask(token);
    pages.push(page);
    token = page.NextToken;
    if (!token) return pages;
  }
}
