import { describe, expect, it } from 'vitest';
import { compositePath, routeOf } from './routes';

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

  it('reads productions, folders, the profile and the page that lets a device in', () => {
    expect(routeOf('#/productions')).toEqual({ page: 'productions' });
    expect(routeOf('#/productions/01AB')).toEqual({ page: 'production', id: '01AB' });
    expect(routeOf('#/folders/01AB')).toEqual({ page: 'folder', id: '01AB' });
    expect(routeOf('#/profile')).toEqual({ page: 'profile' });
    expect(routeOf('#/device')).toEqual({ page: 'device', code: '' });
    expect(routeOf('#/device?code=BDWP-HQPK')).toEqual({ page: 'device', code: 'BDWP-HQPK' });
    const invited = routeOf('#/login?token=A&next=/folders/01AB');
    expect(invited).toMatchObject({ next: '/folders/01AB' });
  });

  it('reads composites, and where a new one is made', () => {
    for (const id of ['02CD', null]) {
      const route = { page: 'composite', folder: '01AB', id };
      expect(routeOf(`#${compositePath('01AB', id)}`)).toEqual(route);
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
