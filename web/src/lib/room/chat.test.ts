import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError, Unreachable } from '../api';
import { ChatLog, continues, pieces, type ChatMessage } from './chat';

function message(seq: number, user_id = 'G', cmd_id = `x${seq}`): ChatMessage {
  const at_ms = seq * 1000;
  return { seq, at_ms, user_id, name: user_id, is_guest: false, cmd_id, text: `text ${seq}` };
}

/** A server that has a history, and hears what is said. */
class FakeServer {
  history: ChatMessage[] = [];
  asked: object[] = [];
  said: Array<{ cmd_id: string; text: string }> = [];
  fail: (() => Error | null) | null = null;
  #listener: (data: unknown) => void = () => undefined;

  on(_: string, listener: (data: unknown) => void) {
    this.#listener = listener;
    return () => true;
  }
  tell(one: ChatMessage, id = 'R1') {
    this.#listener({ id, ...one });
  }
  async request<T>(endpoint: string, data: object): Promise<T> {
    const error = this.fail?.();
    if (error) throw error;
    if (endpoint === 'rushes/room/chat') {
      this.said.push(data as { cmd_id: string; text: string });
      return {} as T;
    }
    this.asked.push(data);
    const { before, after, limit } = data as { before?: number; after?: number; limit: number };
    const all = this.history.filter(
      ({ seq }) => seq < (before ?? Infinity) && seq > (after ?? -Infinity),
    );
    const messages = after === undefined ? all.slice(-limit) : all.slice(0, limit);
    return { messages, more: all.length > limit } as T;
  }
}

let server: FakeServer;
let chat: ChatLog;
let stored: Map<string, string>;

function open(): ChatLog {
  let id = 0;
  return new ChatLog({
    id: 'R1',
    socket: server as never,
    newId: () => `c${(id += 1)}`,
    onChange: () => undefined,
    storage: {
      getItem: (key) => stored.get(key) ?? null,
      setItem: (key, value) => void stored.set(key, value),
    },
  });
}

const settle = async () => {
  for (let n = 0; n < 40; n += 1) await Promise.resolve();
};
const seqs = () => chat.messages.map(({ seq }) => seq);
const upTo = (last: number) => Array.from({ length: last }, (_, i) => message(i + 1));

beforeEach(() => {
  server = new FakeServer();
  stored = new Map();
  chat = open();
});
afterEach(() => void vi.useRealTimers());

describe('reading', () => {
  it('begins with the last page and goes back by pages', async () => {
    server.history = upTo(120);
    chat.attended('ME', 120);
    await settle();
    expect([seqs()[0], seqs().at(-1), chat.hasOlder]).toEqual([71, 120, true]);
    await chat.older();
    await chat.older();
    expect([seqs()[0], seqs().length, chat.hasOlder]).toEqual([1, 120, false]);
    await chat.older();
    expect(server.asked).toHaveLength(3);
  });

  it('catches up after an outage, each message once and in order', async () => {
    server.history = upTo(3);
    chat.attended('ME', 3);
    await settle();
    chat.lost();
    server.history = upTo(130);
    chat.attended('ME', 129);
    server.tell(message(130));
    await settle();
    expect(seqs()).toEqual(upTo(130).map(({ seq }) => seq));
  });

  it('does not fetch a whole day', async () => {
    server.history = upTo(3);
    chat.attended('ME', 3);
    await settle();
    server.history = upTo(1000);
    chat.attended('ME', 1000);
    await settle();
    expect([seqs()[0], seqs().length, chat.hasOlder]).toEqual([951, 50, true]);
    expect(server.asked).toHaveLength(2);
  });

  it('misses nothing where an event overtakes the answer to the subscription', async () => {
    server.history = upTo(4);
    server.tell(message(4));
    chat.attended('ME', 3);
    await settle();
    expect(seqs()).toEqual([1, 2, 3, 4]);
    chat.lost();
    server.history = upTo(7);
    server.tell(message(7));
    chat.attended('ME', 6);
    await settle();
    expect(seqs()).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it('asks again for what it could not fetch', async () => {
    server.history = upTo(2);
    chat.attended('ME', 2);
    await settle();
    chat.lost();
    server.history = upTo(6);
    server.fail = () => new Unreachable();
    chat.attended('ME', 5);
    server.tell(message(6));
    await settle();
    chat.lost();
    server.fail = null;
    chat.attended('ME', 6);
    await settle();
    expect(seqs()).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('of another room does not count', () => {
    server.tell(message(1), 'R2');
    expect(seqs()).toEqual([]);
  });
});

describe('the marker of what is unread', () => {
  it('counts what others said since, and survives a reload', async () => {
    server.history = upTo(5);
    chat.attended('ME', 5);
    await settle();
    expect(chat.unread).toBe(0);
    server.tell(message(6));
    server.tell(message(7, 'ME'));
    server.tell(message(8));
    expect(chat.unread).toBe(2);
    chat.markRead();
    expect([chat.unread, chat.readUpTo]).toEqual([0, 8]);
    server.history = [...upTo(8), message(9)];
    chat = open();
    chat.attended('ME', 9);
    await settle();
    expect(chat.unread).toBe(1);
  });
});

describe('saying', () => {
  it('shows at once what is on its way, and then the message itself', async () => {
    chat.attended('ME', 0);
    chat.say('  ');
    chat.say(' Hello ');
    expect(chat.outgoing).toEqual([{ cmd_id: 'c1', text: 'Hello', refused: null }]);
    await settle();
    expect(server.said).toEqual([{ id: 'R1', cmd_id: 'c1', text: 'Hello' }]);
    expect(chat.outgoing).toHaveLength(1);
    server.tell(message(1, 'ME', 'c1'));
    expect(chat.outgoing).toEqual([]);
    expect(seqs()).toEqual([1]);
  });

  it('says it again by the same name after an outage, in order', async () => {
    chat.attended('ME', 0);
    server.fail = () => new Unreachable();
    chat.say('one');
    chat.say('two');
    await settle();
    chat.lost();
    server.fail = null;
    await settle();
    expect(server.said).toEqual([]);
    chat.attended('ME', 0);
    await settle();
    expect(server.said.map(({ cmd_id }) => cmd_id)).toEqual(['c1', 'c2']);
  });

  it('waits when it was too fast, and says so when it is refused', async () => {
    vi.useFakeTimers();
    chat.attended('ME', 0);
    const refuse = (code: number) => new ApiError({ code, message: `refused ${code}` }, null, {});
    const answers = [refuse(900), null, refuse(407)];
    server.fail = () => answers.shift() ?? null;
    chat.say('one');
    chat.say('two');
    await vi.advanceTimersByTimeAsync(1000);
    expect(server.said).toEqual([]);
    await vi.advanceTimersByTimeAsync(200);
    expect(server.said.map(({ text }) => text)).toEqual(['one']);
    expect(chat.outgoing.at(-1)).toMatchObject({ text: 'two', refused: 'refused 407' });
    chat.again('c2');
    await vi.advanceTimersByTimeAsync(0);
    expect(server.said.map(({ text }) => text)).toEqual(['one', 'two']);
    server.fail = () => refuse(675);
    chat.say('three');
    await vi.advanceTimersByTimeAsync(0);
    chat.discard('c3');
    expect(chat.outgoing.map(({ cmd_id }) => cmd_id)).toEqual(['c1', 'c2']);
  });
});

describe('a message', () => {
  it('has its addresses as links, and nothing else', () => {
    expect(pieces('see https://a.test/x?y=1, and (http://b.test).')).toEqual([
      { text: 'see ', href: null },
      { text: 'https://a.test/x?y=1', href: 'https://a.test/x?y=1' },
      { text: ', and (', href: null },
      { text: 'http://b.test', href: 'http://b.test' },
      { text: ').', href: null },
    ]);
    expect(pieces('javascript:alert(1) <b>')).toEqual([
      { text: 'javascript:alert(1) <b>', href: null },
    ]);
  });

  it('needs no name where the same person goes on', () => {
    expect(continues(message(2), message(1))).toBe(true);
    expect(continues(message(2), message(1, 'H'))).toBe(false);
    expect(continues(message(1000), message(1))).toBe(false);
    expect(continues(message(1), undefined)).toBe(false);
  });
});
