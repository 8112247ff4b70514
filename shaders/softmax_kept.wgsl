// Softmax with every exponential kept: each logit is read once. For class counts that fit in registers.
//
//     peak = max_{j≠y} x_j,   mass = Σ_{j≠y} exp(x_j − peak),   margin = (x_y − peak) − log mass
//     dL/dx_y = −slope,       dL/dx_j = slope · exp(x_j − peak) / mass

struct Softmax {
  exps: array<Pixels, CLASSES>,  // exp(x_j − peak), 0 at the label
  peak: Pixels,
  mass: Pixels,
  label_logit: Pixels,
  margin: Pixels,
  argmax: Bits,                  // the lowest class of the largest logit
  is_nan: Mask,                  // a logit is NaN or +inf
}

fn read_logits(softmax: ptr<function, Softmax>, first: u32, plane: u32, labels: Ints) {
  var seen = nothing_seen();
  for (var c = 0u; c < CLASSES; c++) {
    (*softmax).exps[c] = see(&seen, c, logits[first + c * plane], labels);
  }
  var mass = Pixels(0.0);
  for (var c = 0u; c < CLASSES; c++) {
    let e = exp((*softmax).exps[c] - seen.peak);
    (*softmax).exps[c] = e;
    mass += e;
  }
  (*softmax).peak = seen.peak;
  (*softmax).mass = mass;
  (*softmax).label_logit = seen.label_logit;
  (*softmax).margin = (seen.label_logit - seen.peak) - log(mass);
  (*softmax).argmax = seen.argmax;
  (*softmax).is_nan = is_nan(seen);
}

fn write_gradient(softmax: ptr<function, Softmax>, first: u32, plane: u32, labels: Ints, slope: Pixels) {
  let others = select(slope / (*softmax).mass, Pixels(0.0), (*softmax).peak <= Pixels(LOWEST));
  for (var c = 0u; c < CLASSES; c++) {
    grad_logits[first + c * plane] = select((*softmax).exps[c] * others, -slope, labels == Ints(i32(c)));
  }
}
