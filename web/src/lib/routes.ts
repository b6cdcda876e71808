/** Where the page is; the part of the address behind `#`. */
export type Route =
  | { page: 'login'; token: string; next: string }
  | { page: 'guest'; key: string; first: string; last: string; next: string }
  | { page: 'rooms' }
  | { page: 'room'; id: string };

const ROOMS = '/rooms';

/** A place inside this client: never another site, and never a sign-in link. */
function safeNext(next: string | null): string {
  return next && /^\/rooms(\/[\w-]+)?$/.test(next) ? next : ROOMS;
}

/** Reads the part of the address behind `#`; whatever is not known leads to the list of rooms. */
export function routeOf(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#/, '').split('?', 2);
  const parameters = new URLSearchParams(query);
  const text = (name: string) => (parameters.get(name) ?? '').trim();
  if (path === '/login') {
    return { page: 'login', token: text('token'), next: safeNext(parameters.get('next')) };
  }
  if (path === '/guest') {
    return {
      page: 'guest',
      key: text('u'),
      first: text('first'),
      last: text('last'),
      next: safeNext(parameters.get('next')),
    };
  }
  const room = /^\/rooms\/([\w-]+)\/?$/.exec(path)?.[1];
  return room ? { page: 'room', id: room } : { page: 'rooms' };
}

export function roomPath(id: string): string {
  return `${ROOMS}/${id}`;
}
