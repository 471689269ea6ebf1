"""What a tutorial would write: python -m benchmarks.textbook CLIP.mp4 SEGMENTER.tflite GRADER.tflite"""

import sys

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter

ROI, MM_PER_PX = (602, 88, 990, 625), 0.04  # where the machine shows its picture, read off the demo clip by hand


class Network:
    def __init__(self, path):
        self.interpreter = Interpreter(str(path))
        self.interpreter.allocate_tensors()
        self.source, self.result = self.interpreter.get_input_details()[0], self.interpreter.get_output_details()[0]
        self.size = int(self.source["shape"][1])

    def __call__(self, picture):
        (scale, zero), real = self.source["quantization"], picture.astype(np.float32) / 255.0
        raw = np.clip(np.round(real / scale + zero), -128, 127).astype(np.int8)
        self.interpreter.set_tensor(self.source["index"], raw.reshape(self.source["shape"]))
        self.interpreter.invoke()
        scale, zero = self.result["quantization"]
        return (self.interpreter.get_tensor(self.result["index"])[0].astype(np.float32) - zero) * scale


def frames(clip):
    capture = cv2.VideoCapture(str(clip))
    while (read := capture.read())[0]:
        yield read[1]


def examine(frames, segment, grade, roi=ROI, mm_per_px=MM_PER_PX):
    (left, top, width, height), zoom = roi, segment.size * mm_per_px / 38.4
    for frame in frames:
        grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)[top : top + height, left : left + width]
        small = cv2.resize(grey, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)[: segment.size, : segment.size]
        canvas = np.zeros((segment.size, segment.size), np.uint8)
        canvas[: small.shape[0], : small.shape[1]] = small
        moments = cv2.moments((segment(canvas).squeeze() > 0).astype(np.uint8), binaryImage=True)
        if not moments["m00"]:
            yield None
            continue
        centre, side = (moments["m10"] / moments["m00"] / zoom, moments["m01"] / moments["m00"] / zoom), 15 / mm_per_px
        crop = cv2.resize(cv2.getRectSubPix(grey, (round(side), round(side)), centre), (grade.size, grade.size))
        yield 1 / (1 + np.exp(-grade(crop)))  # above normal, above mild, above moderate


if __name__ == "__main__":
    clip, segmenter, grader = sys.argv[1:]
    for above in examine(frames(clip), Network(segmenter), Network(grader)):
        print("no nerve" if above is None else ("normal", "mild", "moderate", "severe")[(above > 0.5).sum()])
