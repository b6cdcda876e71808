import { beforeEach, describe, expect, it } from 'vitest';
import { SessionStore, sessionOf, type Session, type StorageLike } from './session';

class MemoryStorage implements StorageLike {
  items = new Map<string, string>();
  getItem(key: string) {
    return this.items.get(key) ?? null;
  }
  setItem(key: string, value: string) {
    this.items.set(key, value);
  }
  removeItem(key: string) {
    this.items.delete(key);
  }
}

const host: Session = { token: 'H', userId: '1', name: 'Host' };
const guest: Session = { token: 'G', userId: '2', name: 'Guest' };

let browser: MemoryStorage;
const tab = () => new MemoryStorage();

beforeEach(() => (browser = new MemoryStorage()));

describe('SessionStore', () => {
  it('survives a reload, and reaches new tabs', () => {
    const own = tab();
    new SessionStore(browser, own).save(host);
    expect(new SessionStore(browser, own).load()).toEqual(host);
    expect(new SessionStore(browser, tab()).load()).toEqual(host);
  });

  it('leaves each tab who it was when another signs in as somebody else', () => {
    const [first, second] = [tab(), tab()];
    new SessionStore(browser, first).save(host);
    new SessionStore(browser, second).save(guest);
    expect(new SessionStore(browser, first).load()).toEqual(host);
    expect(new SessionStore(browser, second).load()).toEqual(guest);
  });

  it('signs out this tab, and not somebody else in another', () => {
    const [first, second] = [tab(), tab()];
    new SessionStore(browser, first).save(host);
    new SessionStore(browser, second).save(guest);
    new SessionStore(browser, first).clear();
    expect(new SessionStore(browser, second).load()).toEqual(guest);
    new SessionStore(browser, second).clear();
    expect(new SessionStore(browser, tab()).load()).toBeNull();
  });

  it('takes broken storage for none', () => {
    browser.setItem('rushes.session', '{"token":');
    expect(new SessionStore(browser, tab()).load()).toBeNull();
    browser.setItem('rushes.session', '{"token":5}');
    expect(new SessionStore(browser, tab()).load()).toBeNull();
    const closed: StorageLike = {
      getItem() {
        throw new Error('denied');
      },
      setItem() {
        throw new Error('denied');
      },
      removeItem() {
        throw new Error('denied');
      },
    };
    const store = new SessionStore(closed, closed);
    store.save(host);
    store.clear();
    expect(store.load()).toBeNull();
  });
});

describe('sessionOf', () => {
  const user = { id: '1', token: 'T', email: null, type: null };
  it('finds a name to show', () => {
    expect(sessionOf({ ...user, first_name: 'First', last_name: 'Last' }).name).toBe('First Last');
    expect(sessionOf({ ...user, first_name: 'First', last_name: null }).name).toBe('First');
    expect(
      sessionOf({ ...user, first_name: null, last_name: '', email: 'host@rushes.test' }).name,
    ).toBe('host@rushes.test');
  });
});
