/** The sound of a room's pictures. */
export class Sound {
  #videos: readonly HTMLVideoElement[] = [];
  #spare: () => HTMLVideoElement | null = () => null;
  muted = $state(false);
  /** True if it is the browser that keeps the sound off, until the person touches the page. */
  blocked = $state(false);
  volume = $state(1);

  /** `spare` is the one that is silent at any rate, because nobody sees it. */
  attach(videos: readonly HTMLVideoElement[], spare: () => HTMLVideoElement): void {
    this.#videos = videos;
    this.#spare = spare;
  }

  /** The browser did not let sound start. */
  block(): void {
    this.muted = true;
    this.blocked = true;
  }

  setMuted(muted: boolean): void {
    this.muted = muted;
    this.blocked = false;
    const spare = this.#spare();
    for (const video of this.#videos) video.muted = muted || video === spare;
  }

  setVolume(volume: number): void {
    this.volume = volume;
    for (const video of this.#videos) video.volume = volume;
    this.setMuted(volume === 0);
  }
}
