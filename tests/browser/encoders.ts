// Encoders as they stand on a set: ffmpeg, which sends a picture with a frame number and a flash, and a tone with a beep.
import { spawn, type ChildProcess } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from '@playwright/test';
import { readFrameStrip, stripCells, type FrameSource } from './frameStrip.ts';
import { FPS } from './room.ts';

/** The picture is as large as the page reads it, so that scaling blurs nothing. */
const WIDTH = 320;
const HEIGHT = 180;
/** After so many frames the picture begins anew: a whole number of seconds, so that flash and beep stay together. */
export const LOOP = 60 * FPS;
/** The flash and the beep begin with each full second, and last three frames. */
const FLASH_FRAMES = 3;
/** The pitch of the beep. What is looked for as a tone is lower. */
const BEEP_HZ = 3000;
const SECONDS_OF_BEEP = FLASH_FRAMES / FPS;

const [BLACK, WHITE, GREY] = [16, 235, 60];
const H264 = '-c:v libx264 -preset ultrafast -tune zerolatency -profile:v baseline -bf 0 -sc_threshold 0'.split(' ');
/** As encoders stand that nobody has set up for a browser. */
const OTHERS = {
  'b-frames': '-c:v libx264 -preset veryfast -profile:v high -bf 2 -b_strategy 0 -sc_threshold 0'.split(' '),
  h265: '-c:v libx265 -preset ultrafast -x265-params bframes=0:scenecut=0:log-level=error'.split(' '),
};
/** What a browser does not show as it comes. */
export type Other = keyof typeof OTHERS;
const AAC = '-c:a aac -b:a 128k -ar 48000 -ac 2'.split(' ');
const SURROUND = '-c:a aac -b:a 384k -ar 48000 -ac 6 -aac_coder fast'.split(' ');

/** A frame of the picture: its strip, and white above it where it flashes. */
function draw(frame: number, source: FrameSource): Buffer {
  const picture = Buffer.alloc((WIDTH * HEIGHT * 3) / 2, 128);
  const flash = frame % FPS < FLASH_FRAMES;
  picture.fill(flash ? WHITE : GREY, 0, WIDTH * 150);
  picture.fill(BLACK, WIDTH * 150, WIDTH * HEIGHT);
  const cell = WIDTH / 40;
  stripCells({ source, frame }).forEach((bit, n) => {
    for (let y = 158; y < 170 && bit; y += 1) {
      const left = y * WIDTH + (4 + n) * cell;
      picture.fill(WHITE, left, left + cell);
    }
  });
  return picture;
}

/** The sound, without an end: a tone, and the beep on top of it. */
function sound(hertz: number): string {
  const beep = `0.5*sin(2*PI*${BEEP_HZ}*t)*lt(mod(t\\,1)\\,${SECONDS_OF_BEEP})`;
  return `aevalsrc=0.1*sin(2*PI*${hertz}*t)+${beep}:s=48000:c=mono`;
}

/** Waits until a process has ended; what it wrote is in the error if it did not end well. */
async function ends(child: ChildProcess, what: string): Promise<void> {
  let log = '';
  child.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`${what} ended with ${code}\n${log}`);
}

/** The numbers of all frames of a file, as ffmpeg decodes them; -1 where none can be read. */
export async function numbersIn(file: Buffer): Promise<number[]> {
  const folder = mkdtempSync(join(tmpdir(), 'rushes-file-'));
  try {
    const path = join(folder, 'file');
    writeFileSync(path, file);
    const raw = ['-fps_mode', 'passthrough', '-vf', `scale=${WIDTH}:${HEIGHT}`, '-pix_fmt', 'gray', '-f', 'rawvideo', 'pipe:1'];
    const child = spawn('ffmpeg', ['-hide_banner', '-nostdin', '-loglevel', 'error', '-i', path, ...raw], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = ends(child, 'reading a file');
    const pictures: Buffer[] = [];
    for await (const chunk of child.stdout) pictures.push(chunk as Buffer);
    await ended;
    const luma = Buffer.concat(pictures);
    const size = WIDTH * HEIGHT;
    return Array.from({ length: luma.length / size }, (_, n) => {
      const picture = { width: WIDTH, height: HEIGHT, luma: luma.subarray(n * size, (n + 1) * size) };
      return readFrameStrip(picture) ?? -1;
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A running ffmpeg, which is ended by its process id. */
class Encoder {
  private readonly child: ChildProcess;
  private log = '';

  constructor(args: string[]) {
    this.child = spawn('ffmpeg', ['-hide_banner', '-nostdin', '-loglevel', 'warning', ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.child.stderr!.on('data', (chunk: Buffer) => (this.log += chunk.toString()));
    this.child.on('error', (error) => (this.log += String(error)));
  }

  /** What it had to say; nothing when all is well. */
  output(): string {
    return this.log;
  }

  async end(): Promise<void> {
    if (this.child.pid === undefined || this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
  }
}

const overSrt = (url: string): string[] => ['-map', '0:v', '-map', '1:a', '-c:v', 'copy', ...AAC, '-f', 'mpegts', url];

/** Makes pictures once for all tests of a file, and the encoders that send them. Made once at the top of a file: it registers the hooks that run around its tests. */
export class Encoders {
  private folder?: string;
  private running: Encoder[] = [];

  /** Of these pictures a minute is encoded beforehand, so that to send it is hardly any work for a machine that is also watched on. */
  constructor(...sources: FrameSource[]) {
    test.beforeAll(async () => {
      for (const source of sources) await this.encode(source, this.picture(source), H264);
    });
    test.afterAll(() => this.end());
    test.afterEach(async ({}, info) => {
      const said = await this.stop();
      if (info.status !== info.expectedStatus) await info.attach('ffmpeg.log', { body: said });
    });
  }

  /** The same picture once more, encoded otherwise. */
  prepareOther(source: FrameSource, other: Other): Promise<void> {
    return this.encode(source, this.otherwise(source, other), OTHERS[other]);
  }

  private async encode(source: FrameSource, to: string, how: string[]): Promise<void> {
    const raw = ['-f', 'rawvideo', '-pix_fmt', 'yuv420p', '-s', `${WIDTH}x${HEIGHT}`, '-r', `${FPS}`, '-i', 'pipe:0'];
    const args = ['-hide_banner', '-loglevel', 'error', ...raw, ...how, '-g', `${FPS}`, to];
    const child = spawn('ffmpeg', args, { stdio: ['pipe', 'ignore', 'pipe'] });
    const ended = ends(child, 'making a picture');
    for (let frame = 0; frame < LOOP; frame += 1) {
      if (!child.stdin!.write(draw(frame, source))) await Promise.race([once(child.stdin!, 'drain'), ended]);
    }
    child.stdin!.end();
    await ended;
  }

  private picture(source: FrameSource): string {
    this.folder ??= mkdtempSync(join(tmpdir(), 'rushes-encoders-'));
    return join(this.folder, `${source}.mp4`);
  }

  private otherwise(source: FrameSource, other: Other): string {
    return `${this.picture(source)}-${other}.mp4`;
  }

  private start(picture: string, hertz: number, outputs: string[]): Encoder {
    const input = ['-stream_loop', '-1', '-re', '-i', picture];
    const encoder = new Encoder([...input, '-re', '-f', 'lavfi', '-i', sound(hertz), ...outputs]);
    this.running.push(encoder);
    return encoder;
  }

  /** Sends to an SRT address. */
  srt(url: string, source: FrameSource, hertz: number): Encoder {
    return this.start(this.picture(source), hertz, overSrt(url));
  }

  /** The same, encoded otherwise. */
  srtOther(url: string, source: FrameSource, other: Other, hertz: number): Encoder {
    return this.start(this.otherwise(source, other), hertz, overSrt(url));
  }

  /** Sends 5.1, with a tone of its own in each channel: front left and right, front centre, low frequencies, behind on the left and on the right. */
  srtSurround(url: string, source: FrameSource, tones: readonly number[]): Encoder {
    const channels = tones.map((hertz) => `0.2*sin(2*PI*${hertz}*t)`).join('|');
    const input = ['-stream_loop', '-1', '-re', '-i', this.picture(source), '-re', '-f', 'lavfi', '-i', `aevalsrc=${channels}:s=48000:c=5.1`];
    const encoder = new Encoder([...input, '-map', '0:v', '-map', '1:a', '-c:v', 'copy', ...SURROUND, '-f', 'mpegts', url]);
    this.running.push(encoder);
    return encoder;
  }

  /** Sends plain RTP from these ports, and its reports from the ports above. */
  rtp(to: string, from: Ports, source: FrameSource, hertz: number): Encoder {
    const url = (port: number): string => `${to}?localrtpport=${port}&localrtcpport=${port + 1}`;
    // There are no parameter sets in an MP4's packets: the filter puts them before each key frame.
    const picture = ['-map', '0:v', '-c:v', 'copy', '-bsf:v', 'h264_mp4toannexb', '-f', 'rtp', url(from.video)];
    // Each is an output of its own: ffmpeg would move the sound alone by what its encoder puts before it, which are 21 ms.
    const sound = ['-map', '1:a', ...AAC, '-avoid_negative_ts', 'disabled', '-f', 'rtp', url(from.audio)];
    return this.start(this.picture(source), hertz, [...picture, ...sound]);
  }

  /**
   * Sends plain RTP whose sound are samples (L16), of which the packets say nothing; what it sends is described in the
   * file `sdp`.
   */
  rtpSamples(to: string, from: Ports, source: FrameSource, hertz: number, sdp: string): Encoder {
    const url = (port: number): string => `${to}?localrtpport=${port}&localrtcpport=${port + 1}`;
    const picture = ['-map', '0:v', '-c:v', 'copy', '-bsf:v', 'h264_mp4toannexb', '-f', 'rtp', url(from.video)];
    const sound = ['-map', '1:a', '-c:a', 'pcm_s16be', '-ar', '48000', '-ac', '2', '-f', 'rtp', url(from.audio)];
    return this.start(this.picture(source), hertz, ['-sdp_file', sdp, ...picture, ...sound]);
  }

  /** Ends all that send; gives back what they had to say. */
  async stop(): Promise<string> {
    const ended = this.running;
    this.running = [];
    await Promise.all(ended.map((encoder) => encoder.end()));
    return ended.map((encoder) => encoder.output()).join('');
  }

  private async end(): Promise<void> {
    await this.stop();
    if (this.folder) rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Where an encoder sends RTP from. */
export interface Ports {
  video: number;
  audio: number;
}

/** Two ports with the one above each, which nobody has at the moment. */
export async function freePorts(): Promise<Ports> {
  const held: Socket[] = [];
  const bind = async (port: number): Promise<number | null> => {
    const socket = createSocket('udp4');
    const bound = once(socket, 'listening').then(() => socket.address().port, () => null);
    socket.bind(port, '127.0.0.1');
    held.push(socket);
    return bound;
  };
  const pair = async (): Promise<number> => {
    for (;;) {
      const low = await bind(0);
      if (low !== null && low < 65535 && (await bind(low + 1)) !== null) return low;
    }
  };
  const ports = { video: await pair(), audio: await pair() };
  for (const socket of held) {
    // One that could not be bound is closed already.
    await new Promise<void>((done) => {
      try {
        socket.close(done);
      } catch {
        done();
      }
    });
  }
  return ports;
}
