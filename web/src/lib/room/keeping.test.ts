import { describe, expect, it } from 'vitest';
import { Api, ApiError, Unreachable, type Room } from '../api';
import {
  addressesIn,
  fileName,
  mayDelete,
  mayKeep,
  moved,
  problemInWords,
  RoomsApi,
} from './keeping';

describe('RoomsApi', () => {
  it('removes one person, and names nobody else', async () => {
    const asked: [string, RequestInit | undefined][] = [];
    const bodies = [
      new Response('{"success":true}'),
      new Response('{"error":{"code":403,"message":"Denied"}}', { status: 403 }),
    ];
    const fetch = ((path: string, init?: RequestInit) => {
      asked.push([path, init]);
      return Promise.resolve(bodies.shift());
    }) as typeof globalThis.fetch;
    const api = new RoomsApi(new Api({ fetch }), 'T');
    await api.remove('R', 'B');
    await expect(api.remove('R', '../O')).rejects.toMatchObject({ code: 403 });
    expect(asked.map(([path, init]) => [init?.method, path, init?.headers, init?.body])).toEqual([
      ['DELETE', '/rooms/R/users/B', { 'X-Token': 'T' }, undefined],
      ['DELETE', '/rooms/R/users/..%2FO', { 'X-Token': 'T' }, undefined],
    ]);
  });

  it('fetches a file with the token in its header, and throws what the server says', async () => {
    const asked: [string, HeadersInit | undefined][] = [];
    const bodies = [
      new Response('{"a":1}\n'),
      new Response('{"error":{"code":403,"message":"Denied"}}', { status: 403 }),
      new Response('<html>', { status: 502 }),
    ];
    const fetch = ((path: string, init?: RequestInit) => {
      asked.push([path, init?.headers]);
      return Promise.resolve(bodies.shift());
    }) as typeof globalThis.fetch;
    const api = new RoomsApi(new Api({ fetch }), 'T');
    expect(await (await api.download('R1', 'log.jsonl')).text()).toBe('{"a":1}\n');
    expect(asked).toEqual([['/rooms/R1/log.jsonl', { 'X-Token': 'T' }]]);
    await expect(api.download('R1', 'chat.txt')).rejects.toMatchObject({ code: 403 });
    await expect(api.download('R1', 'chat.txt')).rejects.toBeInstanceOf(Unreachable);
  });
});

describe('what a person may do with a room', () => {
  const room = (more: Partial<Room>) => ({ can_edit: true, can_show_teams: true, ...more }) as Room;

  it('is nothing for guests and for those who only attend', () => {
    expect(mayKeep(null)).toBe(false);
    expect(mayKeep(room({}))).toBe(true);
    expect(mayKeep(room({ can_edit: false }))).toBe(false);
    expect(mayKeep(room({ can_show_teams: false }))).toBe(false);
  });

  it('lets the owner and administrators delete it, and not every host', () => {
    expect(mayDelete(room({ is_owner: true, is_host: true }))).toBe(true);
    expect(mayDelete(room({ is_owner: false, is_host: true }))).toBe(false);
    expect(mayDelete(room({ is_owner: false, is_host: false }))).toBe(true);
    expect(mayDelete(room({ is_owner: true, can_show_teams: false }))).toBe(false);
  });
});

describe('problemInWords', () => {
  it('says what the code means, and what is wrong about a field', () => {
    const of = (code: number, message: string, field?: string) =>
      problemInWords(
        new ApiError({
          code,
          message,
          fields: field ? [{ name: 'emails', code, message: field }] : [],
        }),
      );
    expect(of(803, 'too many')).toContain('Complete one of them first');
    expect(of(407, 'Invalid data')).toBe('Invalid data');
    expect(of(407, 'the sound is none')).toBe('The sound is none');
    expect(of(407, 'Invalid e-mail.', '"x" is none')).toBe('Invalid e-mail: "x" is none');
    expect(problemInWords(new Unreachable())).toBe('The server cannot be reached.');
  });
});

describe('small things', () => {
  it('finds addresses in what was pasted, each once', () => {
    expect(addressesIn(' a@x.tv, b@x.tv;\nA@x.tv ')).toEqual(['A@x.tv', 'b@x.tv']);
    expect(addressesIn(' , ')).toEqual([]);
  });

  it('moves an entry as far as there are places', () => {
    expect(moved(['a', 'b', 'c'], 2, -1)).toEqual(['a', 'c', 'b']);
    expect(moved(['a', 'b', 'c'], 0, 1)).toEqual(['b', 'a', 'c']);
    expect(moved(['a', 'b', 'c'], 0, -1)).toEqual(['a', 'b', 'c']);
    expect(moved(['a', 'b', 'c'], 2, 1)).toEqual(['a', 'b', 'c']);
    expect(moved(['a'], 7, 1)).toEqual(['a']);
  });

  it('names files by their room', () => {
    expect(fileName('Dailies 12/3: "A"', 'log.otio')).toBe('Dailies-12-3-A-log.otio');
    expect(fileName('***', 'chat.txt')).toBe('room-chat.txt');
  });
});
