/** An address for logs and errors: without user and password. */
export function showUrl(url: string): string {
  try {
    const { protocol, host, pathname } = new URL(url)
    return `${protocol}//${host}${pathname}`
  } catch {
    return '(an address that cannot be read)'
  }
}
