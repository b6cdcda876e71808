import { ApiError, Code } from '../api';
import type { Socket } from '../socket';

/** A message of a room's chat, as the server tells it. */
export interface ChatMessage {
  seq: number;
  at_ms: number;
  user_id: string;
  name: string;
  is_guest: boolean;
  cmd_id: string;
  text: string;
}

/** What this person said and the server has not kept yet. */
export interface Outgoing {
  cmd_id: string;
  text: string;
  /** Why it was refused; null while it is on its way. */
  refused: string | null;
}

export interface ChatOptions {
  id: string;
  socket: Pick<Socket, 'request' | 'on'>;
  newId: () => string;
  onChange: () => void;
  /** Keeps how far this person has read, over a reload of the page. */
  storage?: Pick<Storage, 'getItem' | 'setItem'> | null;
}

/** The longest message, in characters. */
export const MAX_MESSAGE = 2000;
const PAGE = 50;
/** More missed messages than this are not fetched one after another: the last page is enough, and older ones come by scrolling. */
const MOST_MISSED = 400;
const TOO_FAST_WAIT_MS = 1100;

interface History {
  messages: ChatMessage[];
  more: boolean;
}

/**
 * What is said in a room: the messages in their order, each once, whatever is lost on the way; what this person says
 * is sent again until the server has kept it.
 */
export class ChatLog {
  readonly #options: ChatOptions;
  readonly #stops: Array<() => void> = [];
  #me: string | null = null;
  #attending = false;
  #sending = false;
  #loading = false;
  /** Up to here nothing is missing; beyond it perhaps, while `#whole` is false. */
  #upTo = 0;
  #whole = false;
  readonly #kept = new Set<string>();
  #read: number | null = null;
  messages: readonly ChatMessage[] = [];
  outgoing: readonly Outgoing[] = [];
  /** True while there are older messages on the server. */
  hasOlder = false;

  constructor(options: ChatOptions) {
    this.#options = options;
    this.#stops.push(
      options.socket.on('REVIEW_SESSION_CHAT', (data) => {
        const { id, ...message } = data as ChatMessage & { id: string };
        if (id === options.id) this.#take([message]);
      }),
    );
  }

  /** Messages of others that this person has not seen. */
  get unread(): number {
    const read = this.#read ?? 0;
    return this.messages.filter(({ seq, user_id }) => seq > read && user_id !== this.#me).length;
  }

  /** The last message that this person has seen. */
  get readUpTo(): number {
    return this.#read ?? 0;
  }

  /** The room lets this person in, again or for the first time; its last message is this one. */
  attended(me: string, last: number): void {
    this.#me = me;
    this.#attending = true;
    this.#read ??= this.#stored() ?? last;
    void this.#catchUp(last);
    void this.#send();
  }

  lost(): void {
    this.#attending = false;
    if (this.#whole) this.#upTo = this.messages.at(-1)?.seq ?? 0;
    this.#whole = false;
  }

  say(text: string): void {
    const said = text.trim();
    if (!said) return;
    const cmd_id = this.#options.newId();
    this.outgoing = [...this.outgoing, { cmd_id, text: said, refused: null }];
    this.#options.onChange();
    void this.#send();
  }

  /** Says something once more that was refused. */
  again(cmd_id: string): void {
    this.#mark(cmd_id, null);
    void this.#send();
  }

  /** Takes something back that was refused. */
  discard(cmd_id: string): void {
    this.outgoing = this.outgoing.filter((one) => one.cmd_id !== cmd_id || one.refused === null);
    this.#options.onChange();
  }

  /** Fetches the page before the oldest message that is here. */
  async older(): Promise<void> {
    const first = this.messages[0];
    if (!first || !this.hasOlder || this.#loading) return;
    this.#loading = true;
    try {
      const page = await this.#history({ before: first.seq });
      this.hasOlder = page.more;
      this.#take(page.messages);
    } catch {
      // Asked again by the next scrolling.
    } finally {
      this.#loading = false;
    }
  }

  /** All that is here has been seen. */
  markRead(): void {
    const last = this.messages.at(-1)?.seq ?? 0;
    if (last <= (this.#read ?? 0)) return;
    this.#read = last;
    try {
      this.#options.storage?.setItem(this.#key(), String(last));
    } catch {
      // A browser that keeps nothing shows the marker again.
    }
    this.#options.onChange();
  }

  close(): void {
    for (const stop of this.#stops) stop();
    this.#attending = false;
  }

  #key(): string {
    return `rushes.chat.${this.#options.id}.${this.#me ?? ''}`;
  }

  #stored(): number | null {
    try {
      const text = this.#options.storage?.getItem(this.#key());
      return text ? Number.parseInt(text, 10) : null;
    } catch {
      return null;
    }
  }

  #history(more: object): Promise<History> {
    const { socket, id } = this.#options;
    return socket.request<History>('rushes/room/chat/history', { id, limit: PAGE, ...more });
  }

  async #catchUp(last: number): Promise<void> {
    try {
      let known = this.#upTo;
      if (last > 0 && (known === 0 || last - known > MOST_MISSED)) {
        const page = await this.#history({});
        // What is older and was here is no part of it any more: there would be a gap.
        this.messages = this.messages.filter(({ seq }) => seq > last);
        this.hasOlder = page.more;
        this.#take(page.messages);
        known = last;
      }
      for (let more = known < last; more;) {
        const page = await this.#history({ after: known });
        this.#take(page.messages);
        known = page.messages.at(-1)?.seq ?? last;
        more = page.more;
      }
      this.#whole = this.#attending;
    } catch {
      // The connection went away: the next one catches up.
    }
  }

  #take(messages: readonly ChatMessage[]): void {
    const known = new Map(this.messages.map((message) => [message.seq, message]));
    for (const message of messages) known.set(message.seq, message);
    this.messages = [...known.values()].sort((a, b) => a.seq - b.seq);
    const kept = new Set(
      messages.filter(({ user_id }) => user_id === this.#me).map(({ cmd_id }) => cmd_id),
    );
    this.outgoing = this.outgoing.filter(({ cmd_id }) => !kept.has(cmd_id));
    this.#options.onChange();
  }

  #mark(cmd_id: string, refused: string | null): void {
    this.outgoing = this.outgoing.map((one) => (one.cmd_id === cmd_id ? { ...one, refused } : one));
    this.#options.onChange();
  }

  /** Sends what is to be said, one after another, so that the order is that in which it was said. */
  async #send(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    try {
      for (;;) {
        const next = this.outgoing.find(
          (one) => one.refused === null && !this.#kept.has(one.cmd_id),
        );
        if (!next || !this.#attending) return;
        const { cmd_id, text } = next;
        const { socket, id } = this.#options;
        try {
          await socket.request('rushes/room/chat', { id, cmd_id, text });
          // The event that shows it may come before or after this answer.
          this.#kept.add(cmd_id);
        } catch (error) {
          if (!(error instanceof ApiError)) return;
          if (error.code !== Code.TOO_FAST) this.#mark(cmd_id, error.message);
          else await new Promise((resolve) => setTimeout(resolve, TOO_FAST_WAIT_MS));
        }
      }
    } finally {
      this.#sending = false;
    }
  }
}

export interface Piece {
  text: string;
  href: string | null;
}

/** A message in pieces, of which addresses of web pages are links. */
export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(/https?:\/\/[^\s<>"]+/gi)) {
    // A full stop or a bracket behind an address belongs to the sentence.
    const href = match[0].replace(/[.,;:!?)\]}'"]+$/, '');
    if (match.index > from) found.push({ text: text.slice(from, match.index), href: null });
    found.push({ text: href, href });
    from = match.index + href.length;
  }
  if (from < text.length) found.push({ text: text.slice(from), href: null });
  return found;
}

/** True if a message goes on where the same person spoke a moment ago: it needs no name of its own. */
export function continues(message: ChatMessage, before: ChatMessage | undefined): boolean {
  return (
    before !== undefined &&
    before.user_id === message.user_id &&
    before.name === message.name &&
    message.at_ms - before.at_ms < 3 * 60_000
  );
}
