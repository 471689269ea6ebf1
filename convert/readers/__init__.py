"""MODEL -> float TFLite in our input form: .keras, SavedModel, .onnx, .tflite, each checked against its framework."""
