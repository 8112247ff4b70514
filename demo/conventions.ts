// How data sets number their classes: names, colours, and the label that counts for nothing.

import { LABEL_COLOURS } from "../src/formats/colours.js";
import { SAMPLE_CLASSES, SAMPLE_COLOURS, SAMPLE_IGNORE_INDEX } from "../src/sample.js";

export interface Convention {
  readonly title: string;
  readonly classes: readonly string[];
  /** RGB; a class beyond the list has the colour that Pascal VOC gives its number. */
  readonly colours: readonly (readonly number[])[];
  readonly ignoreIndex: number;
  /** The class of a label in a file, where files have other numbers. */
  readonly classOf?: (label: number) => number;
}

const VOC_CLASSES =
  "background,aeroplane,bicycle,bird,boat,bottle,bus,car,cat,chair,cow,dining table,dog,horse,motorbike,person," +
  "potted plant,sheep,sofa,train,tv monitor";

/** The 150 of the scene parsing benchmark, most frequent first. */
const ADE20K_CLASSES =
  "wall,building,sky,floor,tree,ceiling,road,bed,window,grass,cabinet,sidewalk,person,earth,door,table,mountain,plant," +
  "curtain,chair,car,water,painting,sofa,shelf,house,sea,mirror,rug,field,armchair,seat,fence,desk,rock,wardrobe,lamp," +
  "bathtub,railing,cushion,base,box,column,signboard,chest of drawers,counter,sand,sink,skyscraper,fireplace," +
  "refrigerator,grandstand,path,stairs,runway,case,pool table,pillow,screen door,stairway,river,bridge,bookcase,blind," +
  "coffee table,toilet,flower,book,hill,bench,countertop,stove,palm,kitchen island,computer,swivel chair,boat,bar," +
  "arcade machine,hovel,bus,towel,light,truck,tower,chandelier,awning,streetlight,booth,television,airplane,dirt track," +
  "apparel,pole,land,bannister,escalator,ottoman,bottle,buffet,poster,stage,van,ship,fountain,conveyer belt,canopy," +
  "washer,toy,swimming pool,stool,barrel,basket,waterfall,tent,bag,minibike,cradle,oven,ball,food,step,tank,trade name," +
  "microwave,pot,animal,bicycle,lake,dishwasher,screen,blanket,sculpture,hood,sconce,vase,traffic light,tray,ashcan," +
  "fan,pier,crt screen,plate,monitor,bulletin board,shower,radiator,glass,clock,flag";

/** The numbers that the 19 evaluated classes of Cityscapes have in its files `…_labelIds.png`. */
const CITYSCAPES_IDS = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33];

const VOID = 255;

export const CONVENTIONS = {
  cityscapes: {
    title: "Cityscapes, train ids: 19 classes, void 255",
    classes: SAMPLE_CLASSES,
    colours: SAMPLE_COLOURS,
    ignoreIndex: SAMPLE_IGNORE_INDEX,
  },
  "cityscapes-ids": {
    title: "Cityscapes, label ids: 0 … 33, those not evaluated are void",
    classes: SAMPLE_CLASSES,
    colours: SAMPLE_COLOURS,
    ignoreIndex: VOID,
    classOf: (label) => (CITYSCAPES_IDS.includes(label) ? CITYSCAPES_IDS.indexOf(label) : VOID),
  },
  voc: {
    title: "Pascal VOC: background and 20 classes, void 255",
    classes: VOC_CLASSES.split(","),
    colours: LABEL_COLOURS,
    ignoreIndex: VOID,
  },
  ade20k: {
    title: "ADE20K, as in its files: void 0, classes 1 … 150",
    classes: ADE20K_CLASSES.split(","),
    colours: LABEL_COLOURS,
    ignoreIndex: VOID,
    classOf: (label) => (label === 0 ? VOID : label - 1),
  },
  "ade20k-from-0": {
    title: "ADE20K, reduced by one: classes 0 … 149, void 255",
    classes: ADE20K_CLASSES.split(","),
    colours: LABEL_COLOURS,
    ignoreIndex: VOID,
  },
  numbers: {
    title: "Plain numbers, PyTorch's ignore index −100",
    classes: [],
    colours: LABEL_COLOURS,
    ignoreIndex: -100,
  },
} as const satisfies Record<string, Convention>;

export type ConventionName = keyof typeof CONVENTIONS;

export function isConvention(name: string): name is ConventionName {
  return Object.hasOwn(CONVENTIONS, name);
}

/** The name of a class, or what a number that is none stands for. */
export function nameOf(convention: Convention, label: number): string {
  if (label === convention.ignoreIndex) return "void";
  return convention.classes[label] ?? `class ${label}`;
}

/** RGB. */
export function colourOf(convention: Convention, label: number): readonly number[] {
  return convention.colours[label] ?? LABEL_COLOURS[label & 255]!;
}
