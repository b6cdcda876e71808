// Puts a page far away from its server: what goes over its WebSocket arrives later, both ways; files and media do not.
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** The request line of the client's WebSocket; HTTP connections pass at once. */
const WEBSOCKET = 'GET /ws ';

/** A TCP proxy on a free port of the loopback in front of a server. */
export class FarAway {
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  private constructor(
    readonly oneWayMs: number,
    upstream: URL,
  ) {
    this.#server = createServer((client) => {
      client.once('data', (head: Buffer) => {
        const delayed = head.toString('latin1', 0, WEBSOCKET.length) === WEBSOCKET;
        const server = connect(Number(upstream.port), upstream.hostname);
        this.#keep(client);
        this.#keep(server);
        const delay = delayed ? oneWayMs : 0;
        carry(head, server, delay);
        pass(client, server, delay);
        pass(server, client, delay);
      });
      client.on('error', () => client.destroy());
    });
  }

  static async before(upstream: string, oneWayMs: number): Promise<FarAway> {
    const proxy = new FarAway(oneWayMs, new URL(upstream));
    await new Promise<void>((done) => proxy.#server.listen(0, '127.0.0.1', done));
    return proxy;
  }

  /** The same address by way of this proxy. */
  through(link: string): string {
    const url = new URL(link);
    url.host = `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return url.href;
  }

  async end(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((done) => this.#server.close(done));
  }

  #keep(socket: Socket): void {
    socket.setNoDelay(true);
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }
}

function pass(from: Socket, to: Socket, delay: number): void {
  from.on('data', (chunk: Buffer) => carry(chunk, to, delay));
  from.on('error', () => to.destroy());
  // What is under way arrives first.
  from.on('close', () => setTimeout(() => to.end(), delay));
}

/** Timers of one length fire in the order in which they were set, so that nothing is overtaken. */
function carry(chunk: Buffer, to: Socket, delay: number): void {
  if (delay === 0) to.write(chunk);
  else setTimeout(() => to.writable && to.write(chunk), delay);
}
