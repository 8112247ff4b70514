// What the page draws and adds up of a step, from the buffers of the loss: the twin of measure.ts.
//
//     draw    one thread takes four pixels     sizes of the gradient, and a byte of each picture
//     sort    one thread takes a strip         pixels of the strip, sorted by p_t
//     total   one thread takes a bin           the strips added up

struct Task {
  pixels: u32,
  classes: u32,
  ignore_index: i32,
  brightest_loss: f32,
  brightest_gradient: f32,
}

const BINS = 40u;
const STRIPS = 1024u;
const BRIGHTEST = 253.0;
const NOT_FINITE = 254u;
const NOT_COUNTED = 255u;

@group(0) @binding(0) var<uniform> task: Task;
@group(0) @binding(1) var<storage, read> targets: array<i32>;    // [pixels]
@group(0) @binding(2) var<storage, read> loss_map: array<u32>;   // [pixels], the bits of floats
@group(0) @binding(3) var<storage, read> gradient: array<f32>;   // [classes, pixels], divided
@group(0) @binding(4) var<storage, read> result: array<f32>;     // a Result of shaders/finish.wgsl
@group(0) @binding(5) var<storage, read_write> sizes: array<f32>;       // [pixels], Σ_c |gradient| before the divisor
@group(0) @binding(6) var<storage, read_write> pictures: array<u32>;    // [2, pixels / 4], of the loss and of the sizes
@group(0) @binding(7) var<storage, read> plain: array<u32>;             // [pixels], bits of cross entropy: −log p_t
@group(0) @binding(8) var<storage, read_write> strips: array<vec4f>;    // [strips, bins]: pixels, Σ plain, Σ loss
@group(0) @binding(9) var<storage, read_write> bins: array<vec4f>;      // [bins]

fn counts(pixel: u32) -> bool {
  let label = targets[pixel];
  return label != task.ignore_index && label >= 0 && label < i32(task.classes);
}

fn is_finite(bits: u32) -> bool {
  return (bits & 0x7fffffffu) < 0x7f800000u;
}

fn level(bits: u32, brightest: f32) -> u32 {
  if !is_finite(bits) {
    return NOT_FINITE;
  }
  return u32(round(sqrt(clamp(bitcast<f32>(bits) / brightest, 0.0, 1.0)) * BRIGHTEST));
}

@compute @workgroup_size(64)
fn draw(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let words = (task.pixels + 3u) / 4u;
  let word = id.y * groups.x * 64u + id.x;
  if word >= words {
    return;
  }
  let divisor = result[2];
  var loss_levels = 0u;
  var size_levels = 0u;
  for (var k = 0u; k < 4u; k++) {
    let pixel = 4u * word + k;
    if pixel >= task.pixels {
      break;
    }
    var size = 0.0;
    for (var c = 0u; c < task.classes; c++) {
      size += abs(gradient[c * task.pixels + pixel]);
    }
    size *= divisor;
    sizes[pixel] = size;
    let counted = counts(pixel);
    loss_levels |= select(NOT_COUNTED, level(loss_map[pixel], task.brightest_loss), counted) << (8u * k);
    size_levels |= select(NOT_COUNTED, level(bitcast<u32>(size), task.brightest_gradient), counted) << (8u * k);
  }
  pictures[word] = loss_levels;
  pictures[words + word] = size_levels;
}

@compute @workgroup_size(64)
fn sort(@builtin(global_invocation_id) id: vec3u) {
  let strip = id.x;
  for (var bin = 0u; bin < BINS; bin++) {
    strips[strip * BINS + bin] = vec4f();
  }
  for (var pixel = strip; pixel < task.pixels; pixel += STRIPS) {
    if !counts(pixel) || !is_finite(plain[pixel]) || !is_finite(loss_map[pixel]) {
      continue;
    }
    let cross_entropy = bitcast<f32>(plain[pixel]);
    let bin = min(u32(exp(-cross_entropy) * f32(BINS)), BINS - 1u);
    strips[strip * BINS + bin] += vec4f(1.0, cross_entropy, bitcast<f32>(loss_map[pixel]), 0.0);
  }
}

@compute @workgroup_size(BINS)
fn total(@builtin(local_invocation_index) bin: u32) {
  var sum = vec4f();
  for (var strip = 0u; strip < STRIPS; strip++) {
    sum += strips[strip * BINS + bin];
  }
  bins[bin] = sum;
}
