// Starts the real binary with the demo production on free ports, and ends it by its process id.
import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

/** What `rushes demo --json` prints as its first line. */
export interface DemoLinks {
  url: string;
  room_id: string;
  host_link: string;
  guest_link: string;
  live_asset_id: string;
  clip_asset_ids: string[];
}

const binary = process.env.RUSHES_BINARY ?? resolve(import.meta.dirname, '../../target/debug/rushes');

/** Where the clips are that the first demo has made: they are the same for all, and take a while to encode. */
let madeClips: string | undefined;

/** Keeps the clips of a demo for those after it. */
function keepClips(from: string): void {
  const kept = mkdtempSync(join(tmpdir(), 'rushes-browser-clips-'));
  process.once('exit', () => rmSync(kept, { recursive: true, force: true }));
  cpSync(from, kept, { recursive: true });
  madeClips = kept;
}

/** A running demo. `kill` is SIGKILL, as a power cut would be; `start` runs it again on the same data and ports. */
export class Demo {
  links!: DemoLinks;
  private process: ChildProcess | undefined;
  readonly data = mkdtempSync(join(tmpdir(), 'rushes-browser-'));
  private http = '127.0.0.1:0';
  private webrtc = '127.0.0.1:0';
  private readonly log: string[] = [];

  /** A demo whose pictures have this size. */
  constructor(private readonly size = '640x360') {}

  async start(): Promise<DemoLinks> {
    const clips = join(this.data, 'clips');
    if (madeClips && !existsSync(clips)) cpSync(madeClips, clips, { recursive: true });
    const child = spawn(
      binary,
      ['demo', '--json', '--data', this.data, '--listen', this.http, '--webrtc-listen', this.webrtc, '--srt-listen', '127.0.0.1:0', '--rtp-listen', '127.0.0.1:0', '--size', this.size],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.process = child;
    child.stderr.on('data', (chunk: Buffer) => this.log.push(chunk.toString()));
    const lines = createInterface({ input: child.stdout });
    const first = await new Promise<string>((done, failed) => {
      lines.once('line', done);
      child.once('exit', (code) => failed(new Error(`rushes demo ended with ${code}\n${this.log.join('')}`)));
      child.once('error', failed);
    });
    child.stdout.resume();
    if (!madeClips) keepClips(clips);
    this.links = JSON.parse(first) as DemoLinks;
    this.http = new URL(this.links.url).host;
    this.webrtc = await this.boundWebrtc();
    return this.links;
  }

  /** The addresses really bound, as the server says itself, so that a restart takes the same ones. */
  private async boundWebrtc(): Promise<string> {
    const { readFile } = await import('node:fs/promises');
    const runtime = JSON.parse(await readFile(join(this.data, 'runtime.json'), 'utf8')) as { webrtc: string };
    return runtime.webrtc;
  }

  /** The mails that the server has left so far. */
  mails(): string[] {
    const folder = join(this.data, 'mail');
    if (!existsSync(folder)) return [];
    const whole = readdirSync(folder).filter((name) => name.endsWith('.eml'));
    return whole.map((name) => readFileSync(join(folder, name), 'utf8'));
  }

  /** What the server has written to its log so far. */
  output(): string {
    return this.log.join('');
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((done) => child.once('exit', done));
    child.kill(signal);
    await ended;
  }

  async end(): Promise<void> {
    await this.kill();
    rmSync(this.data, { recursive: true, force: true });
  }
}
