"""Reading a machine's screen: a frame as captured becomes a `Scan`, the ultrasound picture alone.

signal       what does the screen show, whatever the capture device claims?
freeze       does the picture change while time passes?
levels       limited range or full

roi          where ultrasound pictures lie; `cells` is how it looks at a screen, `outline` their shape
layout       what is where, and the cheap look that tells whether it still holds, at `pixels_at` places of its `squares`
text         lines of text, which `glyphs` reads
ruler        what a millimetre is; from `ticks` (`even_row`) and `tick_length`
spacing      the claims of all who say so -> one spacing, none, or a conflict
profile      what a person taught of one machine's screen; `learn` is how

marks        what is painted into the picture; from `edges` and the connected `parts` that they make
redact       painting over, and the last check on what is stored or sent

knowledge    all that is read of one layout
later        what is worked out beside the frames; `turns` whose turn it is of what is looked at only now and then
read         the step of the pipeline: frame -> Scan, or the Reason why there is none
"""
