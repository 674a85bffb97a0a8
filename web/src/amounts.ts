// Amounts of bytes and rates, as people read them.

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

export function amount(bytes: number): string {
  let at = 0;
  let left = bytes;
  while (left >= 1024 && at < UNITS.length - 1) {
    left /= 1024;
    at += 1;
  }
  return `${at === 0 || left >= 100 ? Math.round(left) : left.toFixed(1)} ${UNITS[at]}`;
}

export function rate(bytesPerSecond: number): string {
  return `${amount(bytesPerSecond)}/s`;
}
