import { describe, expect, it } from 'vitest';
import { routeOf } from './routes';

describe('routeOf', () => {
  it('reads the links that the server hands out', () => {
    expect(routeOf('#/login?token=ABC&next=/rooms/01AB')).toEqual({
      page: 'login',
      token: 'ABC',
      next: '/rooms/01AB',
    });
    expect(routeOf('#/guest?u=KEY&first=Guest&last=One%20Two')).toEqual({
      page: 'guest',
      key: 'KEY',
      first: 'Guest',
      last: 'One Two',
      next: '/rooms',
    });
  });

  it('reads rooms, and takes everything else for the list', () => {
    expect(routeOf('#/rooms/01AB')).toEqual({ page: 'room', id: '01AB' });
    for (const hash of ['', '#', '#/', '#/rooms', '#/rooms/', '#/nowhere', '#/rooms/a/b']) {
      expect(routeOf(hash)).toEqual({ page: 'rooms' });
    }
  });

  it('leads nowhere but to its own pages', () => {
    for (const next of [
      'https://elsewhere.test',
      '//elsewhere.test',
      '/login?token=X',
      '/rooms/../x',
    ]) {
      const route = routeOf(`#/login?token=A&next=${encodeURIComponent(next)}`);
      expect(route).toMatchObject({ next: '/rooms' });
    }
  });
});
