// Every sign and label of the unit layer, drawn once into one texture: the same outlines as in the
// lists, with a dark rim so that they stand out on any map.

import type { Level, UnitState } from "../api/shapes.ts";
import { kindPath } from "../look/Shapes.tsx";
import type { Paint } from "./style.ts";

export interface Sprite {
  /** Texture box in texels: left, top, width, height. */
  box: [number, number, number, number];
  /** Size on screen, px. */
  width: number;
  height: number;
}

const SIDE = 1024;
const SIDE_MAX = 4096;
const GAP = 2;
const FREE: readonly UnitState[] = ["in_station", "available", "returning"];
const FONT = '600 11px "Noto Sans CJK SC", "Noto Sans SC", "PingFang SC", "Microsoft YaHei", system-ui, sans-serif';

const PIN = "M13 1.500C6.600 1.500 1.500 6.500 1.500 12.800c0 7.500 8.600 14.200 11.500 19.700 2.900-5.500 11.500-12.200 11.500-19.700C24.500 6.500 19.400 1.500 13 1.500z";

function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

export class Atlas {
  readonly canvas = document.createElement("canvas");
  /** Changes when the picture does, so that the texture is loaded again. */
  revision = 0;
  private readonly context: CanvasRenderingContext2D;
  private readonly sprites = new Map<string, Sprite | null>();
  private x = 0;
  private y = 0;
  private rowHeight = 0;
  private readonly paint: Paint;
  private readonly ratio: number;

  constructor(paint: Paint, ratio: number) {
    this.paint = paint;
    this.ratio = Math.min(3, Math.max(1, ratio));
    this.canvas.width = SIDE;
    this.canvas.height = SIDE;
    const context = this.canvas.getContext("2d", { willReadFrequently: true });
    if (!context) throw new Error("no 2d canvas");
    this.context = context;
  }

  unit(kind: string, state: UnitState, size: number, chosen: boolean): Sprite | null {
    return this.sprite(`u ${kind} ${state} ${size} ${chosen}`, size + 8, size + 8, (g) => {
      const path = new Path2D(kindPath(kind));
      const colour = token(`--unit-${state.replaceAll("_", "-")}`);
      g.translate(4, 4);
      g.scale(size / 16, size / 16);
      g.lineJoin = "round";
      if (chosen) {
        g.strokeStyle = token("--select");
        g.lineWidth = 8;
        g.stroke(path);
      }
      g.strokeStyle = token("--rim");
      g.lineWidth = 4.2;
      g.stroke(path);
      const hollow = state === "out_of_service" || FREE.includes(state);
      g.fillStyle = hollow ? token("--rim") : colour;
      g.fill(path);
      g.strokeStyle = colour;
      g.lineWidth = 2;
      g.stroke(path);
      if (state === "out_of_service") g.stroke(new Path2D("M3 13 13 3"));
    });
  }

  incident(level: Level, working: boolean, chosen: boolean): Sprite | null {
    const scale = chosen ? 1.25 : 1;
    return this.sprite(`i ${level} ${working} ${chosen}`, 34 * scale, 42 * scale, (g) => {
      const path = new Path2D(PIN);
      const colour = token(`--level-${level}`);
      g.scale(scale, scale);
      g.translate(4, 4);
      g.lineJoin = "round";
      if (chosen) {
        g.strokeStyle = token("--select");
        g.lineWidth = 7;
        g.stroke(path);
      }
      g.strokeStyle = token("--rim");
      g.lineWidth = 4;
      g.stroke(path);
      g.fillStyle = working ? token("--rim") : colour;
      g.fill(path);
      g.strokeStyle = colour;
      g.lineWidth = 2.2;
      g.stroke(path);
      g.fillStyle = working ? colour : token("--rim");
      g.font = '700 15px "Noto Sans", system-ui, sans-serif';
      g.textAlign = "center";
      g.textBaseline = "middle";
      g.fillText(String(level), 13, 14);
    });
  }

  cross(): Sprite | null {
    return this.sprite("cross", 36, 36, (g) => {
      const path = new Path2D("M18 3v10M18 23v10M3 18h10M23 18h10M18 11a7 7 0 1 0 0 14 7 7 0 0 0 0-14z");
      g.lineCap = "round";
      for (const [colour, width] of [[token("--rim"), 5], [token("--select"), 2.4]] as const) {
        g.strokeStyle = colour;
        g.lineWidth = width;
        g.stroke(path);
      }
    });
  }

  label(text: string, strong: boolean): Sprite | null {
    this.context.font = FONT;
    const width = Math.ceil(this.context.measureText(text).width) + 8;
    return this.sprite(`t ${strong} ${text}`, width, 17, (g) => {
      g.font = FONT;
      g.textBaseline = "middle";
      g.lineJoin = "round";
      g.strokeStyle = token("--map-halo");
      g.lineWidth = 3.4;
      g.strokeText(text, 4, 9);
      g.fillStyle = token(strong ? "--text" : "--map-label");
      g.fillText(text, 4, 9);
    });
  }

  /** Null when the texture is full: then that sign's label is left out, never the sign itself. */
  private sprite(
    key: string, width: number, height: number, draw: (g: CanvasRenderingContext2D) => void,
  ): Sprite | null {
    const known = this.sprites.get(key);
    if (known !== undefined) return known;
    const w = Math.ceil(width * this.ratio);
    const h = Math.ceil(height * this.ratio);
    if (this.x + w > SIDE) {
      this.x = 0;
      this.y += this.rowHeight + GAP;
      this.rowHeight = 0;
    }
    if (this.y + h > this.canvas.height && !this.grow()) return null;
    const g = this.context;
    g.save();
    g.translate(this.x, this.y);
    g.beginPath();
    g.rect(0, 0, w, h);
    g.clip();
    g.scale(this.ratio, this.ratio);
    draw(g);
    g.restore();
    const sprite: Sprite = { box: [this.x, this.y, w, h], width, height };
    this.sprites.set(key, sprite);
    this.x += w + GAP;
    this.rowHeight = Math.max(this.rowHeight, h);
    this.revision += 1;
    return sprite;
  }

  private grow(): boolean {
    if (this.canvas.height >= SIDE_MAX) return false;
    const old = this.context.getImageData(0, 0, SIDE, this.canvas.height);
    this.canvas.height *= 2;
    this.context.putImageData(old, 0, 0);
    return true;
  }

  get theme(): Paint {
    return this.paint;
  }
}
