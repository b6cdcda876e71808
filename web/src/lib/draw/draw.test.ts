import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError, Unreachable } from '../api';
import { Board, type Stroke, type StrokeData } from './board';
import { fromPicture, isOnPicture, pictureBox, thinned, toPicture } from './geometry';
import { colorOf, paintPointer, paintStroke, visibility, type Canvas2D } from './paint';
import { StrokeSender } from './sender';

describe('the place of a point', () => {
  const box = pictureBox({ width: 1000, height: 1000 }, { width: 1920, height: 1080 });

  it('is that of the picture, not of the bars around it', () => {
    expect(box.left).toBeCloseTo(0);
    expect([box.top, box.width, box.height].map((n) => Math.round(n))).toEqual([219, 1000, 563]);
    expect(toPicture(box, 500, 500)).toEqual({ x: 5000, y: 5000 });
    expect(toPicture(box, -20, 100)).toEqual({ x: 0, y: 0 });
    expect([isOnPicture(box, 10, 200), isOnPicture(box, 10, 220)]).toEqual([false, true]);
    const [left, top] = fromPicture(box, 10_000, 0);
    expect([Math.round(left), Math.round(top)]).toEqual([1000, 219]);
  });

  it('is the same in every window', () => {
    const other = pictureBox({ width: 390, height: 219 }, { width: 1920, height: 1080 });
    const { x, y } = toPicture(box, 321, 654);
    const back = toPicture(other, ...fromPicture(other, x, y));
    expect([Math.abs(back.x - x), Math.abs(back.y - y)]).toEqual([0, 0]);
  });

  it('is left out where it adds nothing', () => {
    const at = (x: number) => ({ x, y: 0 });
    expect(thinned([at(1), at(5), at(20), at(21)], null)).toEqual([at(1), at(20)]);
    expect(thinned([at(22), at(40)], at(20))).toEqual([at(40)]);
  });
});

function part(more: Partial<StrokeData> = {}): StrokeData {
  return {
    ...{ stroke_id: 's', user_id: 'A', asset_id: 'C1', frame: 5, color: '#FF0000', width: 40 },
    ...{ from: 0, points: [1, 1, 2, 2], done: false, kept: false },
    ...more,
  };
}

describe('the board', () => {
  const here = { assetId: 'C1', frame: 5 };
  let board: Board;
  beforeEach(() => (board = new Board()));
  const points = (id = 's') => board.get(id)?.points;

  it('puts parts together, each point once', () => {
    board.take([part()], false);
    board.take([part({ from: 1, points: [2, 2, 3, 3] })], false);
    board.take([part({ from: 3, points: [], done: true })], false);
    expect(points()).toEqual([1, 1, 2, 2, 3, 3]);
    expect(board.get('s')?.done).toBe(true);
    board.take([part({ from: 9, points: [9, 9] })], false);
    expect(points()).toEqual([1, 1, 2, 2, 3, 3]);
    board.take([part({ stroke_id: 'late', from: 1 })], false);
    expect(board.get('late')).toBeUndefined();
  });

  it('shows what is on a frame, and on a live source', () => {
    board.take([part(), part({ stroke_id: 't', frame: 9 })], false);
    board.take([part({ stroke_id: 'l', asset_id: 'L1', frame: null })], false);
    expect(board.on(here).map(({ id }) => id)).toEqual(['s']);
    expect(board.on({ assetId: 'L1', frame: null }).map(({ id }) => id)).toEqual(['l']);
    expect(board.frames('C1')).toEqual([5, 9]);
  });

  it('believes a whole, but for what this person is drawing', () => {
    board.take([part({ stroke_id: 'old' })], false);
    const mine: Stroke = {
      ...{ id: 'mine', userId: 'ME', assetId: 'C1', frame: 5, color: '#fff', width: 1 },
      ...{ points: [7, 7], done: false, kept: false },
    };
    board.begin(mine);
    board.take([part({ stroke_id: 'new' })], true, new Set(['mine']));
    expect(board.on(here).map(({ id }) => id)).toEqual(['mine', 'new']);
    board.extend('mine', [8, 8]);
    board.take([part({ stroke_id: 'mine', points: [7, 7], done: false })], false);
    expect(points('mine')).toEqual([7, 7, 8, 8]);
  });

  it('does not bring back what was erased', () => {
    board.take([part()], false);
    board.erase(['s']);
    board.take([part({ from: 0, done: true })], false);
    expect(board.on(here)).toEqual([]);
    board.take([part()], true);
    board.keep(['s', 'absent']);
    expect(board.on(here).map(({ kept }) => kept)).toEqual([true]);
  });
});

describe('sending a stroke', () => {
  interface Sent {
    from: number;
    points: number[];
    done: boolean;
  }
  let sent: Sent[];
  let answer: () => Promise<{ points: number }>;
  let refused: string[];
  let sender: StrokeSender;
  let stroke: Stroke;

  beforeEach(() => {
    vi.useFakeTimers();
    sent = [];
    refused = [];
    answer = () => {
      const { from, points } = sent.at(-1)!;
      return Promise.resolve({ points: from + points.length / 2 });
    };
    sender = new StrokeSender({
      id: 'R1',
      socket: {
        request: (_: string, data: object) => {
          sent.push(data as Sent);
          return answer() as never;
        },
      },
      onRefused: (_, message) => refused.push(message),
    });
    stroke = {
      ...{ id: 's', userId: 'ME', assetId: 'C1', frame: 5, color: '#FF0000', width: 40 },
      ...{ points: [1, 1], done: false, kept: false },
    };
    sender.attended();
  });
  afterEach(() => {
    sender.close();
    vi.useRealTimers();
  });
  const passes = (ms: number) => vi.advanceTimersByTimeAsync(ms);
  const froms = () => sent.map(({ from, points, done }) => [from, points.length / 2, done]);
  const error = (code: number) => new ApiError({ code, message: `refused ${code}` }, null, {});

  it('begins at once, gathers for 33 ms, and ends at once', async () => {
    sender.begin(stroke);
    await passes(0);
    for (const n of [2, 3, 4]) {
      stroke.points.push(n, n);
      sender.more();
      await passes(10);
    }
    await passes(5);
    expect(froms()).toEqual([
      [0, 1, false],
      [1, 3, false],
    ]);
    sender.end('s');
    await passes(0);
    expect(froms().at(-1)).toEqual([4, 0, true]);
    expect(sender.open.size).toBe(0);
  });

  it('sends again after an outage what the server had not said it knows', async () => {
    sender.begin(stroke);
    await passes(0);
    answer = () => Promise.reject(new Unreachable());
    stroke.points.push(2, 2);
    sender.end('s');
    await passes(50);
    sender.lost();
    sender.more();
    await passes(100);
    answer = () => Promise.resolve({ points: 2 });
    sender.attended();
    await passes(0);
    expect(froms()).toEqual([
      [0, 1, false],
      [1, 1, true],
      [1, 1, true],
    ]);
    expect([sender.open.size, refused]).toEqual([0, []]);
  });

  it('slows down, and does not mind that the next part is refused for the gap', async () => {
    const answers = [error(900), error(407)];
    const good = answer;
    const late = (reason: ApiError) =>
      new Promise<never>((_, reject) => setTimeout(() => reject(reason), 40));
    answer = () => (answers.length > 0 ? late(answers.shift()!) : good());
    sender.begin(stroke);
    await passes(0);
    stroke.points.push(2, 2);
    sender.end('s');
    await passes(600);
    expect(froms().at(-1)).toEqual([0, 2, true]);
    expect([sender.open.size, refused]).toEqual([0, []]);
  });

  it('tries the whole once where the room forgot it, and gives up where it is not wanted', async () => {
    sender.begin(stroke);
    await passes(0);
    const answers = [error(407)];
    const good = answer;
    answer = () => (answers.length > 0 ? Promise.reject(answers.shift()!) : good());
    stroke.points.push(2, 2);
    sender.more();
    await passes(100);
    expect(froms().at(-1)).toEqual([0, 2, false]);
    answer = () => Promise.reject(error(407));
    sender.end('s');
    await passes(100);
    expect([sender.open.size, refused]).toEqual([0, ['refused 407']]);
  });

  it('cuts what is too long for one part', async () => {
    stroke.points.push(...Array.from({ length: 2400 }, () => 3));
    sender.begin(stroke);
    sender.end('s');
    await passes(200);
    expect(froms()).toEqual([
      [0, 500, false],
      [500, 500, false],
      [1000, 201, true],
    ]);
  });
});

describe('painting', () => {
  const box = { left: 10, top: 20, width: 1000, height: 500 };
  let calls: string[];
  const canvas = () =>
    new Proxy({ measureText: () => ({ width: 50 }) } as Record<string, unknown>, {
      get: (target, name: string) =>
        target[name] ??
        ((...values: number[]) =>
          calls.push(`${name} ${values.map((n) => (typeof n === 'number' ? Math.round(n) : n))}`)),
    }) as unknown as Canvas2D;
  beforeEach(() => (calls = []));
  const line = (...points: number[]): Stroke => ({
    ...{ id: 's', userId: 'A', assetId: 'C1', frame: 5, color: '#FF0000', width: 100 },
    ...{ points, done: true, kept: false },
  });

  it('begins and ends a line where it was drawn, whatever the size', () => {
    const on = canvas();
    paintStroke(on, box, line(0, 0, 5000, 5000, 10_000, 0, 10_000, 10_000));
    expect(calls[1]).toBe('moveTo 10,20');
    expect(calls.at(-2)).toBe('quadraticCurveTo 1010,20,1010,520');
    expect(on.lineWidth).toBe(5);
  });

  it('makes a dot of a single point, and nothing of none', () => {
    paintStroke(canvas(), box, line(5000, 5000));
    expect(calls).toEqual(['beginPath ', 'moveTo 510,270', 'lineTo 510,270', 'stroke ']);
    calls = [];
    paintStroke(canvas(), box, line());
    expect(calls).toEqual([]);
  });

  it('lets a pointer fade, with its name beside it', () => {
    const pointer = { name: 'Ada', color: colorOf('A'), x: 9900, y: 0, at: 1000 };
    expect([1000, 2200, 9000].map((now) => visibility(pointer, now))).toEqual([1, 0.5, 0]);
    paintPointer(canvas(), box, pointer, 1000);
    expect(calls.at(-1)).toBe('fillText Ada,928,34');
    calls = [];
    paintPointer(canvas(), box, pointer, 9000);
    expect(calls).toEqual([]);
  });
});
