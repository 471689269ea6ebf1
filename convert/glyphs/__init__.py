"""The network that reads text on screens (edge/assets/glyphs.tflite), made again by one command.

words     what screens say, made up
fonts     what draws it, and under which licence
samples   strips of text and of what only looks like it, cut as the device cuts them
network   convolutions alone
train     strips -> weights -> all-integer INT8

python -m convert.glyphs --out edge/assets
"""
