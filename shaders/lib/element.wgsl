// Sigmoid: a position is an element, in the order of the logits.

fn channel_of(position: u32) -> u32 {
  return (position / problem.class_stride) % CLASSES;
}

fn pixel_of(position: u32) -> u32 {
  let image = position / (problem.class_stride * CLASSES);
  return image * problem.class_stride + position % problem.class_stride;
}
