// Puts a page's live picture on a slow way: its datagrams pass a proxy that lets them arrive later, both ways.
import { createSocket, type Socket } from 'node:dgram';
import type { Page } from '@playwright/test';

const CANDIDATE = /^(a=candidate:\S+ \d udp \d+ )(\S+) (\d+)( typ host.*)$/gim;
const OTHER_CANDIDATE = /^a=candidate:(?!.* udp ).*\r?\n/gim;

/** A UDP proxy on a free port of the loopback for the one peer of a page. */
export class SlowMedia {
  readonly #near = createSocket('udp4');
  #ways = new Map<string, Socket>();

  constructor(readonly oneWayMs: number) {
    this.#near.on('message', (data, from) => {
      const way = this.#way(`${from.address}:${from.port}`, from.port, from.address);
      later(oneWayMs, () => way.send(data, this.#upstream.port, this.#upstream.address));
    });
  }

  #upstream = { address: '127.0.0.1', port: 0 };

  /** From now on the page is answered with this proxy's address instead of the server's. */
  async between(page: Page): Promise<void> {
    await new Promise<void>((done) => this.#near.bind(0, '127.0.0.1', done));
    const { port } = this.#near.address();
    await page.route('**/live/whep/**', async (route) => {
      if (route.request().method() !== 'POST') return route.continue();
      const response = await route.fetch();
      const answer = await response.text();
      const [, , address, upstream] = [...answer.matchAll(CANDIDATE)][0] ?? [];
      if (address && upstream) this.#upstream = { address, port: Number(upstream) };
      const body = answer.replace(OTHER_CANDIDATE, '').replace(CANDIDATE, `$1127.0.0.1 ${port}$4`);
      await route.fulfill({ response, body });
    });
  }

  end(): void {
    this.#near.close();
    for (const way of this.#ways.values()) way.close();
    this.#ways.clear();
  }

  /** The server sees each address of the page as another client. */
  #way(key: string, port: number, address: string): Socket {
    const known = this.#ways.get(key);
    if (known) return known;
    const way = createSocket('udp4');
    way.on('message', (data) => later(this.oneWayMs, () => this.#near.send(data, port, address)));
    this.#ways.set(key, way);
    return way;
  }
}

/** What is under way when the proxy ends is lost, as on any network. */
function later(ms: number, send: () => void): void {
  setTimeout(() => {
    try {
      send();
    } catch {
      // The socket is closed.
    }
  }, ms);
}
