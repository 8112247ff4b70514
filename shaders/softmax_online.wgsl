// Softmax for any number of classes, in two reads: the first keeps a running peak and the mass below it (the online
// normaliser of Milakov & Gimelshein 2018, arXiv:1805.02867), the second writes the gradient.
//
//     peak = max_{j≠y} x_j,   mass = Σ_{j≠y} exp(x_j − peak),   margin = (x_y − peak) − log mass
//     dL/dx_y = −slope,       dL/dx_j = slope · exp(x_j − peak) / mass

struct Softmax {
  first: u32,
  peak: Pixels,
  mass: Pixels,
  label_logit: Pixels,
  margin: Pixels,
  argmax: Bits,    // the lowest class of the largest logit
  is_nan: Mask,    // a logit is NaN or +inf
}

fn read_logits(softmax: ptr<function, Softmax>, first: u32, plane: u32, labels: Ints) {
  var seen = nothing_seen();
  var mass = Pixels(0.0);
  for (var c = 0u; c < CLASSES; c++) {
    let peak = seen.peak;
    let other = see(&seen, c, logits[first + c * plane], labels);
    let e = exp(other - seen.peak);
    mass = mass * exp(peak - seen.peak) + select(e, Pixels(0.0), labels == Ints(i32(c)));
  }
  (*softmax).first = first;
  (*softmax).peak = seen.peak;
  (*softmax).mass = max(mass, Pixels(1.0));
  (*softmax).label_logit = seen.label_logit;
  (*softmax).margin = (seen.label_logit - seen.peak) - log((*softmax).mass);
  (*softmax).argmax = seen.argmax;
  (*softmax).is_nan = is_nan(seen);
}

fn write_gradient(softmax: ptr<function, Softmax>, first: u32, plane: u32, labels: Ints, slope: Pixels) {
  let others = select(slope / (*softmax).mass, Pixels(0.0), (*softmax).peak <= Pixels(LOWEST));
  for (var c = 0u; c < CLASSES; c++) {
    let logit = max(bitcast<Pixels>(logits[(*softmax).first + c * plane]), Pixels(LOWEST));
    grad_logits[first + c * plane] = select(exp(logit - (*softmax).peak) * others, -slope, labels == Ints(i32(c)));
  }
}
