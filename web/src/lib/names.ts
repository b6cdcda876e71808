const collator = new Intl.Collator(undefined, { numeric: true });

/** The order of names as people read them: in their language, and 2 before 10. */
export function byName(a: { name: string }, b: { name: string }): number {
  return collator.compare(a.name, b.name);
}
