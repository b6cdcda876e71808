/** Where the page is; the part of the address behind `#`. */
export type Route =
  | { page: 'login'; token: string; next: string }
  | { page: 'guest'; key: string; first: string; last: string; next: string }
  | { page: 'rooms' }
  | { page: 'room'; id: string }
  | { page: 'productions' }
  | { page: 'production'; id: string }
  | { page: 'folder'; id: string }
  | { page: 'composite'; folder: string; id: string | null }
  | { page: 'profile' }
  | { page: 'device'; code: string };

const ROOMS = '/rooms';
/** Stands where the id of something stands that is to be made. */
const NEW = 'new';

/** A place inside this client: never another site, and never a sign-in link. */
function safeNext(next: string | null): string {
  return next && /^\/(rooms|productions|folders)(\/[\w-]+)?$/.test(next) ? next : ROOMS;
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
  if (path === '/device') return { page: 'device', code: text('code') };
  if (path === '/profile') return { page: 'profile' };
  if (path === '/productions') return { page: 'productions' };
  const production = /^\/productions\/([\w-]+)\/?$/.exec(path)?.[1];
  if (production) return { page: 'production', id: production };
  const composite = /^\/folders\/([\w-]+)\/composites\/([\w-]+)\/?$/.exec(path);
  if (composite) {
    const [, folder = '', id = ''] = composite;
    return { page: 'composite', folder, id: id === NEW ? null : id };
  }
  const folder = /^\/folders\/([\w-]+)\/?$/.exec(path)?.[1];
  if (folder) return { page: 'folder', id: folder };
  const room = /^\/rooms\/([\w-]+)\/?$/.exec(path)?.[1];
  return room ? { page: 'room', id: room } : { page: 'rooms' };
}

export function roomPath(id: string): string {
  return `${ROOMS}/${id}`;
}

export function productionPath(id: string): string {
  return `/productions/${id}`;
}

export function folderPath(id: string): string {
  return `/folders/${id}`;
}

/** Where a composite is watched and arranged; null: where a new one is made. */
export function compositePath(folder: string, id: string | null): string {
  return `${folderPath(folder)}/composites/${id ?? NEW}`;
}
