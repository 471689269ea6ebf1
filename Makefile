# Two commands for everyone:   make demo   make test
# Each sets up what it needs in .venv on its first run and works offline afterwards.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
TFLITE := .venv-tflite
ONNX2TF := .venv-onnx2tf

.PHONY: demo test lint format test-slow test-tflite test-arm64 test-vm test-firmware test-soak onnx2tf reference bench-peers schema clean

demo: $(VENV)/.runtime
	$(BIN)/sonoedge demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n auto -m "not slow and not vm and not arm64 and not soak and not firmware"

test-slow: $(VENV)/.dev $(ONNX2TF)/.ready
	$(BIN)/python -m pytest -m slow

# The named fallback interpreter, with the NumPy 1.26 and OpenCV 4.11 that it needs; CPython 3.11 only.
test-tflite: $(TFLITE)/.ready
	$(TFLITE)/bin/python -m pytest tests/edge tests/contracts tests/golden

# The shipped bundles on emulated arm64. Needs Debian 12, root, and: apt-get install qemu-user-static debootstrap
test-arm64: $(VENV)/.dev
	$(BIN)/python -m pytest -m arm64

# A million frames through the pipeline: half an hour on one core.
test-soak: $(VENV)/.dev
	$(BIN)/python -m pytest -m soak

# Against a true kernel driver, in a throw-away virtual machine. Needs Debian, root, and: apt-get install qemu-system-x86 busybox-static cpio
test-vm: $(VENV)/.dev
	$(BIN)/python -m pytest -m vm

# The firmware's side in C: its size on a Cortex-M0+, the sanitizers, a fuzzer. Needs Debian, root, and:
# apt-get install gcc clang gcc-arm-none-eabi libnewlib-arm-none-eabi
test-firmware: $(VENV)/.dev
	$(BIN)/python -m pytest -m firmware

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The program behind `sonoedge convert MODEL.onnx`. It pins dozens of versions, so it has an environment of its own.
onnx2tf: $(ONNX2TF)/.ready

# Hours: renders the phantoms, trains, converts, measures and writes edge/assets/*.sonobundle.
reference: $(VENV)/.dev
	$(BIN)/python -m convert.reference

# Beside the textbook script and other engines: minutes, on a machine that does nothing else.
bench-peers: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --editable '.[bench]'
	$(BIN)/python -m benchmarks.peers --out build/peers $(PEERS)

schema: $(VENV)/.dev
	$(BIN)/python -m edge.report > docs/report.schema.json

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[convert,dicom,explain,update,dev]'
	touch $@ $(VENV)/.runtime

$(TFLITE)/.ready: pyproject.toml
	$(PYTHON) -m venv $(TFLITE)
	$(TFLITE)/bin/python -m pip install --quiet --editable '.[tflite]' 'pytest>=8' 'hypothesis>=6.100'
	touch $@

# It declares Python 3.12 and runs on 3.10 too.
$(ONNX2TF)/.ready: convert/readers/onnx2tf-requirements.txt
	$(PYTHON) -m venv $(ONNX2TF)
	$(ONNX2TF)/bin/python -m pip install --quiet --no-deps --ignore-requires-python -r $<
	touch $@

clean:
	rm -rf $(VENV) $(TFLITE) $(ONNX2TF) sonoedge-demo
