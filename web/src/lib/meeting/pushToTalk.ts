/** A key that opens the microphone as long as it is held. */

import type { KeyPress } from '../shortcuts';

export const TALK_KEY = 'v';

export interface PushToTalkOptions {
  /** Whether the microphone is closed, and may be opened. */
  canTalk: () => boolean;
  talk: () => void;
  hush: () => void;
}

/** Text is being written there: the key is a letter. */
const WRITING =
  'input:not([type=range]):not([type=checkbox]),textarea,select,[contenteditable=true]';

function isWriting(target: unknown): boolean {
  const element = target as { closest?: (selector: string) => unknown } | null;
  return Boolean(element?.closest?.(WRITING));
}

export class PushToTalk {
  readonly #options: PushToTalkOptions;
  #held = false;

  constructor(options: PushToTalkOptions) {
    this.#options = options;
  }

  get held(): boolean {
    return this.#held;
  }

  down(press: KeyPress & { repeat?: boolean }): void {
    if (press.key.toLowerCase() !== TALK_KEY || press.repeat || this.#held) return;
    if (press.ctrlKey || press.metaKey || press.altKey || isWriting(press.target)) return;
    if (!this.#options.canTalk()) return;
    this.#held = true;
    this.#options.talk();
  }

  up(press: { key: string }): void {
    if (press.key.toLowerCase() === TALK_KEY) this.release();
  }

  /** Also for when the page loses the keyboard: the key's end would be missed. */
  release(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#options.hush();
  }
}
