namespace AutoProg.Ort.Files.OnDevice;

/// <summary>
/// What a checkpoint of ONNX Runtime's on-device training consists of: tables of a FlatBuffer, each field at its number. Version 2, the only one that release 1.19.2 reads.
/// <code>
/// Root      version: int32, module: Module, optimizers: [Group], properties: Properties
/// Module    learns: [Tensor], frozen: [Tensor], is nominal: bool, has external data: bool
/// Tensor    name: string, remark: string, dims: [int64], type: int32, elements: [byte], texts: [string], place in another file: int64
/// Group     name: string, step: int64, learning rate: float, states: [State]
/// State     parameter: string, moments: [Tensor]
/// Properties integers: [Property], floats: [Property], texts: [Property]
/// Property  name: string, value
/// </code>
/// </summary>
internal static class CheckpointSchema
{
    /// <summary>Bytes 4 to 7 of every file.</summary>
    public const string Identifier = "ODTC";

    public const int Version = 2;

    /// <summary>The only group of parameters that the runtime reads.</summary>
    public const string GroupName = "group0";

    /// <summary>The most that offsets of 32 bits reach.</summary>
    public const long MostBytes = int.MaxValue;

    /// <summary>Name of a moment: 0 is the mean of the gradient, 1 that of its square.</summary>
    public static string MomentName(int moment) => $"momentum{moment}";

    public static class Root
    {
        public const int Version = 0;
        public const int Module = 1;
        public const int Optimizers = 2;
        public const int Properties = 3;
        public const int Count = 4;
    }

    public static class Module
    {
        public const int Learns = 0;
        public const int Frozen = 1;
        public const int IsNominal = 2;
        public const int HasExternalData = 3;
        public const int Count = 4;
    }

    public static class Tensor
    {
        public const int Name = 0;
        public const int Dims = 2;
        public const int Type = 3;
        public const int Elements = 4;
        public const int Count = 7;
    }

    public static class Group
    {
        public const int Name = 0;
        public const int Step = 1;
        public const int LearningRate = 2;
        public const int States = 3;
        public const int Count = 4;
    }

    public static class State
    {
        public const int Parameter = 0;
        public const int Moments = 1;
        public const int Count = 2;
    }

    public static class Properties
    {
        public const int Integers = 0;
        public const int Floats = 1;
        public const int Texts = 2;
        public const int Count = 3;
    }

    public static class Property
    {
        public const int Name = 0;
        public const int Value = 1;
        public const int Count = 2;
    }
}
