import { ApiError, errorIn, Unreachable } from './api';

/**
 * - `connecting`: the first connection is on its way
 * - `online`: requests are answered
 * - `reconnecting`: it was lost, and attempts go on until they succeed
 * - `closed`: closed by this side for good
 */
export type SocketState = 'connecting' | 'online' | 'reconnecting' | 'closed';

/** What this module needs of a `WebSocket`, so that tests can stand in for it. */
export interface SocketLike {
  onopen: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  send(text: string): void;
  close(code?: number): void;
}

export interface SocketOptions {
  url: string;
  /** Goes with every request; the upgrade of a browser cannot carry it. */
  token: string;
  connect?: (url: string) => SocketLike;
  /** Between 0 and 1; spreads the clients of a restarted server over time. */
  random?: () => number;
  /** Milliseconds after which an unanswered request fails, and the connection counts as dead. */
  timeoutMs?: number;
}

/** Waits before attempt 1, 2, … in milliseconds, so that a restarted server is found within 5 s. */
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 2000;
/** A connection attempt that hangs longer than this is given up and made anew. */
const OPEN_TIMEOUT_MS = 4000;

interface Pending {
  resolve: (data: unknown) => void;
  reject: (error: Error) => void;
  timer: ReturnType<typeof setTimeout>;
}

type Listener = (data: unknown) => void;

/** One WebSocket to the server that comes back by itself: requests with ids, and events by name. */
export class Socket {
  readonly #options: Required<SocketOptions>;
  readonly #pending = new Map<string, Pending>();
  readonly #events = new Map<string, Set<Listener>>();
  readonly #stateListeners = new Set<(state: SocketState) => void>();
  #socket: SocketLike | null = null;
  #state: SocketState = 'connecting';
  #attempt = 0;
  #nextId = 1;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: SocketOptions) {
    this.#options = {
      connect: (url) => new WebSocket(url) as unknown as SocketLike,
      random: Math.random,
      timeoutMs: 8000,
      ...options,
    };
    this.#open();
  }

  get state(): SocketState {
    return this.#state;
  }

  /** Calls back on every change of state; returns how to stop it. */
  onState(listener: (state: SocketState) => void): () => void {
    this.#stateListeners.add(listener);
    return () => this.#stateListeners.delete(listener);
  }

  /** Calls back for every event of this type; returns how to stop it. */
  on(eventType: string, listener: Listener): () => void {
    const listeners = this.#events.get(eventType) ?? new Set();
    listeners.add(listener);
    this.#events.set(eventType, listeners);
    return () => listeners.delete(listener);
  }

  /**
   * Sends a request and waits for its answer. Nothing is kept for later: a PLAY that arrives after an outage
   * is worse than none, so a request while offline fails at once.
   *
   * @throws {ApiError} if the server refuses
   * @throws {Unreachable} if there is no connection, or it is lost before the answer
   */
  request<T>(endpoint: string, data: object): Promise<T> {
    const socket = this.#socket;
    if (!socket || this.#state !== 'online') {
      return Promise.reject(new Unreachable('There is no connection to the server.'));
    }
    const id = String(this.#nextId++);
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => this.#lost(socket), this.#options.timeoutMs);
      this.#pending.set(id, { resolve: resolve as (data: unknown) => void, reject, timer });
      socket.send(JSON.stringify({ endpoint, data, request_id: id, token: this.#options.token }));
    });
  }

  /** Tries again now instead of at the next attempt; for when the browser says that the network is back. */
  hurry(): void {
    if (this.#state !== 'reconnecting' || this.#socket) return;
    clearTimeout(this.#timer);
    this.#open();
  }

  /** Closes for good. */
  close(): void {
    if (this.#state === 'closed') return;
    const socket = this.#socket;
    this.#drop();
    this.#setState('closed');
    socket?.close(1000);
  }

  #open(): void {
    let socket: SocketLike;
    try {
      socket = this.#options.connect(this.#options.url);
    } catch {
      this.#retry();
      return;
    }
    this.#socket = socket;
    this.#timer = setTimeout(() => this.#lost(socket), OPEN_TIMEOUT_MS);
    socket.onopen = () => {
      if (socket !== this.#socket) return;
      clearTimeout(this.#timer);
      this.#attempt = 0;
      this.#setState('online');
    };
    socket.onmessage = (event) => {
      if (socket === this.#socket) this.#receive(event.data);
    };
    socket.onerror = () => this.#lost(socket);
    socket.onclose = () => this.#lost(socket);
  }

  #lost(socket: SocketLike): void {
    if (socket !== this.#socket) return;
    this.#drop();
    socket.close();
    this.#retry();
  }

  /** Forgets the connection and fails everything that waits on it. */
  #drop(): void {
    clearTimeout(this.#timer);
    this.#socket = null;
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject, timer } of pending) {
      clearTimeout(timer);
      reject(new Unreachable('The connection to the server was lost.'));
    }
  }

  #retry(): void {
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#attempt);
    this.#attempt += 1;
    // Between three quarters and the whole of the wait.
    this.#timer = setTimeout(() => this.#open(), wait * (0.75 + 0.25 * this.#options.random()));
    this.#setState('reconnecting');
  }

  #setState(state: SocketState): void {
    if (state === this.#state) return;
    this.#state = state;
    for (const listener of [...this.#stateListeners]) listener(state);
  }

  #receive(text: unknown): void {
    let frame: unknown;
    try {
      frame = JSON.parse(String(text));
    } catch {
      return;
    }
    if (typeof frame !== 'object' || frame === null) return;
    const { request_id, event_type, data } = frame as Record<string, unknown>;
    if (typeof event_type === 'string') {
      for (const listener of [...(this.#events.get(event_type) ?? [])]) listener(data);
    } else if (typeof request_id === 'string') {
      this.#settle(request_id, frame as Record<string, unknown>);
    }
  }

  #settle(id: string, frame: Record<string, unknown>): void {
    const pending = this.#pending.get(id);
    if (!pending) return;
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    const error = errorIn(frame);
    if (error) {
      const { error: inner, request_id: _, ...beside } = frame;
      pending.reject(new ApiError(error, null, { ...(inner as object), ...beside }));
    } else {
      pending.resolve(frame.data);
    }
  }
}

/** The WebSocket address of the server that a page came from. */
export function socketUrl(page: { protocol: string; host: string }): string {
  return `${page.protocol === 'https:' ? 'wss' : 'ws'}://${page.host}/ws`;
}

/**
 * Asks one thing over a WebSocket of its own, for pages that have none.
 *
 * @throws {ApiError} if the server refuses
 * @throws {Unreachable} if there is no connection
 */
export async function askOnce<T>(
  options: SocketOptions,
  endpoint: string,
  data: object,
): Promise<T> {
  const socket = new Socket(options);
  try {
    await new Promise<void>((opened, failed) => {
      const look = () => {
        if (socket.state === 'online') opened();
        else if (socket.state !== 'connecting') failed(new Unreachable());
      };
      socket.onState(look);
      look();
    });
    return await socket.request<T>(endpoint, data);
  } finally {
    socket.close();
  }
}
