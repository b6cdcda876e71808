import type { SignedIn } from './api';

/** Who is signed in on this page, with the token that proves it. */
export interface Session {
  token: string;
  userId: string;
  name: string;
}

const KEY = 'rushes.session';

/** What this module needs of `localStorage` and `sessionStorage`. */
export type StorageLike = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

export function sessionOf(user: SignedIn): Session {
  const name = [user.first_name, user.last_name].filter(Boolean).join(' ').trim();
  return { token: user.token, userId: user.id, name: name || user.email || 'Signed in' };
}

function read(storage: StorageLike): Session | null {
  try {
    const value: unknown = JSON.parse(storage.getItem(KEY) ?? 'null');
    if (typeof value !== 'object' || value === null) return null;
    const { token, userId, name } = value as Record<string, unknown>;
    if (typeof token !== 'string' || typeof userId !== 'string' || typeof name !== 'string') {
      return null;
    }
    return { token, userId, name };
  } catch {
    // Storage that may not be read, or holds something else: nobody is signed in.
    return null;
  }
}

/**
 * Keeps the session across reloads and new tabs. Each tab remembers its own too, so that a host's link and a
 * guest's link can be open side by side in one browser, and each tab is still who it was after a reload.
 */
export class SessionStore {
  readonly #shared: StorageLike;
  readonly #tab: StorageLike;

  constructor(shared: StorageLike, tab: StorageLike) {
    this.#shared = shared;
    this.#tab = tab;
  }

  load(): Session | null {
    const own = read(this.#tab);
    if (own) return own;
    const shared = read(this.#shared);
    if (shared) this.#write(this.#tab, shared);
    return shared;
  }

  save(session: Session): void {
    this.#write(this.#tab, session);
    this.#write(this.#shared, session);
  }

  /** Forgets this tab's session, and leaves the one of another tab alone. */
  clear(): void {
    const own = read(this.#tab);
    const shared = read(this.#shared);
    try {
      this.#tab.removeItem(KEY);
      if (!own || !shared || own.token === shared.token) this.#shared.removeItem(KEY);
    } catch {
      // Nothing was kept, so there is nothing to forget.
    }
  }

  #write(storage: StorageLike, session: Session): void {
    try {
      storage.setItem(KEY, JSON.stringify(session));
    } catch {
      // A browser that keeps nothing: the session lasts until the page is left.
    }
  }
}
