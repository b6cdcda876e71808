import { Api, ApiError } from './lib/api';
import { routeOf, type Route } from './lib/routes';
import { SessionStore, type Session } from './lib/session';

/** What all pages share: where the page is, who is signed in, and how to reach the server. */
class App {
  readonly api = new Api();
  readonly #store = new SessionStore(localStorage, sessionStorage);
  route = $state<Route>(routeOf(location.hash));
  session = $state<Session | null>(this.#store.load());
  /** Why the person is not signed in any more, if it was not their wish. */
  notice = $state<string | null>(null);

  constructor() {
    addEventListener('hashchange', () => this.#follow());
    this.#follow();
  }

  go(path: string, options: { replace?: boolean } = {}): void {
    const url = `#${path}`;
    if (options.replace) history.replaceState(null, '', url);
    else history.pushState(null, '', url);
    this.#follow();
  }

  signIn(session: Session): void {
    this.notice = null;
    this.session = session;
    this.#store.save(session);
  }

  signOut(notice: string | null = null): void {
    this.session = null;
    this.notice = notice;
    this.#store.clear();
  }

  /** Signs out if that is what the error says; true if it did. */
  endedBy(error: unknown): boolean {
    if (!(error instanceof ApiError) || !error.isSignedOut) return false;
    if (this.session) this.signOut('Your session has ended.');
    return true;
  }

  #follow(): void {
    const route = routeOf(location.hash);
    this.route = route;
    // A sign-in link is worth a session: it does not stay in the address bar or in this page's history.
    if (route.page === 'login' || route.page === 'guest') {
      history.replaceState(null, '', `#${route.next}`);
    }
  }
}

export const app = new App();
