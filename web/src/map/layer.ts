// Units and incidents on the map: one WebGL draw call, moved between two positions by the GPU. They
// have a canvas of their own above the map's: a unit that moves must not redraw the whole base map,
// which where there is no graphics card takes a fifth of a second.

import { MercatorCoordinate } from "maplibre-gl";
import type { Map as MapLibre } from "maplibre-gl";

import type { Atlas, Sprite } from "./atlas.ts";
import { FRAME_MS_MAX, frameMs, WORLD_PX } from "./frames.ts";

/** One picture at a place. Offsets in px, right and down. */
export interface Mark {
  sprite: Sprite;
  from: [number, number];
  to: [number, number];
  /** Seconds on the layer's clock: when the move began, and how long it takes. */
  startS: number;
  durationS: number;
  dx: number;
  dy: number;
}

const FLOATS = 14;

const VERTEX = `#version 300 es
uniform vec2 u_middle;
uniform float u_scale;
uniform vec2 u_viewport;
uniform vec2 u_texture;
uniform float u_now;
in vec2 a_corner;
in vec4 a_path;
in vec2 a_when;
in vec4 a_screen;
in vec4 a_box;
out vec2 v_uv;
void main() {
  float done = clamp((u_now - a_when.x) / a_when.y, 0.0, 1.0);
  vec2 at = (mix(a_path.xy, a_path.zw, done) - u_middle) * u_scale;
  vec2 px = a_screen.xy + a_corner * a_screen.zw;
  vec2 whole = vec2(at.x, -at.y);
  // Pictures stand on whole pixels, or their fine lines swim.
  vec2 placed = floor(whole + vec2(px.x, -px.y) + 0.5);
  gl_Position = vec4(placed / u_viewport * 2.0, 0.0, 1.0);
  v_uv = (a_box.xy + (a_corner + 0.5) * a_box.zw) / u_texture;
}`;

const FRAGMENT = `#version 300 es
precision mediump float;
uniform sampler2D u_picture;
in vec2 v_uv;
out vec4 colour;
void main() { colour = texture(u_picture, v_uv); }`;

function compile(gl: WebGL2RenderingContext): WebGLProgram {
  const program = gl.createProgram();
  for (const [kind, source] of [
    [gl.VERTEX_SHADER, VERTEX],
    [gl.FRAGMENT_SHADER, FRAGMENT],
  ] as const) {
    const shader = gl.createShader(kind);
    if (!shader) throw new Error("WebGL context lost");
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
    throw new Error(gl.getProgramInfoLog(program) ?? "shader");
  }
  return program;
}

/** Mercator coordinates relative to the origin, in units that 32-bit floats resolve finely. */
export class Ground {
  private readonly origin: MercatorCoordinate;
  constructor(center: [number, number]) {
    this.origin = MercatorCoordinate.fromLngLat(center);
  }
  place(lonLat: [number, number]): [number, number] {
    const at = MercatorCoordinate.fromLngLat(lonLat);
    return [at.x - this.origin.x, at.y - this.origin.y];
  }
}

export interface Signs {
  show(marks: readonly Mark[], atlas: Atlas): void;
  /** Seconds on the clock of the marks. */
  nowS(): number;
  remove(): void;
}

interface Drawn {
  gl: WebGL2RenderingContext;
  program: WebGLProgram;
  array: WebGLVertexArrayObject;
  instances: WebGLBuffer;
  texture: WebGLTexture;
  revision: number;
  atlas: Atlas | null;
}

function prepare(gl: WebGL2RenderingContext): Drawn {
  const program = compile(gl);
  const array = gl.createVertexArray();
  const corners = gl.createBuffer();
  const instances = gl.createBuffer();
  const texture = gl.createTexture();
  gl.bindVertexArray(array);
  gl.bindBuffer(gl.ARRAY_BUFFER, corners);
  gl.bufferData(
    gl.ARRAY_BUFFER, new Float32Array([-0.5, -0.5, 0.5, -0.5, -0.5, 0.5, 0.5, 0.5]), gl.STATIC_DRAW,
  );
  const corner = gl.getAttribLocation(program, "a_corner");
  gl.enableVertexAttribArray(corner);
  gl.vertexAttribPointer(corner, 2, gl.FLOAT, false, 0, 0);
  gl.bindBuffer(gl.ARRAY_BUFFER, instances);
  let offset = 0;
  for (const [name, size] of [["a_path", 4], ["a_when", 2], ["a_screen", 4], ["a_box", 4]] as const) {
    const at = gl.getAttribLocation(program, name);
    gl.enableVertexAttribArray(at);
    gl.vertexAttribPointer(at, size, gl.FLOAT, false, FLOATS * 4, offset * 4);
    gl.vertexAttribDivisor(at, 1);
    offset += size;
  }
  gl.bindVertexArray(null);
  return { gl, program, array, instances, texture, revision: -1, atlas: null };
}

function loadTexture({ gl, texture }: Drawn, atlas: Atlas): void {
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.pixelStorei(gl.UNPACK_FLIP_Y_WEBGL, false);
  gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, true);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, atlas.canvas);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.LINEAR);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
}

/** The canvas of the signs, above `map`, which is never turned nor tilted. Throws without WebGL. */
export function signsOver(map: MapLibre, ground: Ground): Signs {
  const canvas = document.createElement("canvas");
  canvas.className = "map-signs";
  canvas.dataset.over = ""; // what looks for overlaps is told that this one is meant
  const gl = canvas.getContext("webgl2", { alpha: true, antialias: false });
  if (!gl) throw new Error("no WebGL");
  map.getCanvasContainer().append(canvas);
  let drawn = prepare(gl);
  let picture: Atlas | null = null;
  let data = new Float32Array(0);
  let count = 0;
  let fresh = false;
  let movingUntilS = 0;
  let stepMs = FRAME_MS_MAX;
  let timer: ReturnType<typeof setTimeout> | null = null;
  let queued = false;
  const begun = performance.now();
  const nowS = (): number => (performance.now() - begun) / 1_000;

  const render = (): void => {
    queued = false;
    if (gl.isContextLost()) return;
    const { clientWidth, clientHeight } = map.getCanvas();
    const width = Math.round(clientWidth * devicePixelRatio);
    const height = Math.round(clientHeight * devicePixelRatio);
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
      canvas.style.width = `${clientWidth}px`;
      canvas.style.height = `${clientHeight}px`;
    }
    gl.viewport(0, 0, width, height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    if (!picture || !count) return;
    const { program, array, instances } = drawn;
    if (drawn.revision !== picture.revision || drawn.atlas !== picture) {
      loadTexture(drawn, picture);
      drawn.revision = picture.revision;
      drawn.atlas = picture;
    }
    gl.useProgram(program);
    gl.bindVertexArray(array);
    if (fresh) {
      gl.bindBuffer(gl.ARRAY_BUFFER, instances);
      gl.bufferData(gl.ARRAY_BUFFER, data, gl.DYNAMIC_DRAW);
      fresh = false;
    }
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, drawn.texture);
    const at = (name: string): WebGLUniformLocation | null => gl.getUniformLocation(program, name);
    const middle = map.getCenter();
    gl.uniform2f(at("u_middle"), ...ground.place([middle.lng, middle.lat]));
    gl.uniform1f(at("u_scale"), WORLD_PX * 2 ** map.getZoom());
    gl.uniform2f(at("u_viewport"), clientWidth, clientHeight);
    gl.uniform2f(at("u_texture"), picture.canvas.width, picture.canvas.height);
    gl.uniform1f(at("u_now"), nowS());
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.disable(gl.DEPTH_TEST);
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, count);
    gl.bindVertexArray(null);
  };
  const draw = (): void => {
    if (queued) return;
    queued = true;
    requestAnimationFrame(render);
  };
  const keepMoving = (): void => {
    if (timer !== null || nowS() > movingUntilS) return;
    timer = setTimeout(() => {
      timer = null;
      draw();
      keepMoving();
    }, stepMs);
  };
  // A context that was lost (the machine slept, the driver started again) comes back empty.
  canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
  canvas.addEventListener("webglcontextrestored", () => {
    drawn = prepare(gl);
    fresh = true;
    draw();
  });
  // In the same frame as the map itself, or the signs would swim on the streets.
  map.on("render", render);

  return {
    nowS,
    show(marks, atlas) {
      picture = atlas;
      count = marks.length;
      data = new Float32Array(count * FLOATS);
      movingUntilS = 0;
      marks.forEach((mark, index) => {
        const { sprite } = mark;
        data.set(
          [
            ...mark.from, ...mark.to, mark.startS, Math.max(0.001, mark.durationS),
            mark.dx, mark.dy, sprite.width, sprite.height, ...sprite.box,
          ],
          index * FLOATS,
        );
        movingUntilS = Math.max(movingUntilS, mark.startS + mark.durationS);
      });
      stepMs = frameMs(marks, map.getZoom(), nowS());
      fresh = true;
      if (timer !== null) clearTimeout(timer); // its step was that of what was shown before
      timer = null;
      draw();
      keepMoving();
    },
    remove() {
      if (timer !== null) clearTimeout(timer);
      movingUntilS = 0;
      map.off("render", render);
      canvas.remove();
    },
  };
}
