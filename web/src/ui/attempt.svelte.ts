import { problemInWords } from '../lib/room/keeping';

/** Whether an error is that the session has ended, of which the page itself tells. */
type Ends = { endedBy: (error: unknown) => boolean };

/** Something that a dialog has the server do: whether it is under way, and what went wrong, in words. */
export class Attempt {
  busy = $state(false);
  problem = $state<string | null>(null);
  readonly #ends: Ends;

  constructor(ends: Ends) {
    this.#ends = ends;
  }

  /** Does it, unless something is under way; whether it was done. */
  async run(task: () => Promise<unknown>): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    this.problem = null;
    try {
      await task();
      return true;
    } catch (error) {
      this.fail(error);
      return false;
    } finally {
      this.busy = false;
    }
  }

  /** Says what went wrong, also with what is done beside. */
  fail(error: unknown): void {
    if (!this.#ends.endedBy(error)) this.problem = problemInWords(error);
  }
}
