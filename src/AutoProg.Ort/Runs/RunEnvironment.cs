using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using AutoProg.Graphs;
using Microsoft.ML.OnnxRuntime;
using Microsoft.Win32;

namespace AutoProg.Ort.Runs;

/// <summary>What a run ran on; every reported figure belongs to one of these.</summary>
/// <param name="Product">Version of this engine.</param>
/// <param name="OnnxRuntime">Version of ONNX Runtime.</param>
/// <param name="OrtFlavor">Package that the engine was built against: Cpu, Gpu or Training.</param>
/// <param name="ExecutionProviders">Providers that this ONNX Runtime offers.</param>
/// <param name="DotNet">Version of .NET.</param>
/// <param name="OperatingSystem">Name and version.</param>
/// <param name="Architecture">Of the process, e.g. X64.</param>
/// <param name="Processor">Model name; the architecture where the system does not tell.</param>
/// <param name="Cores">Logical processors that the process may use.</param>
/// <param name="Simd">Instruction sets that the engine's own loops use, widest first.</param>
/// <param name="MemoryMb">Memory that the process may use, MiB.</param>
/// <param name="Packages">Versions of the libraries that the engine is built on, by name of the assembly.</param>
public sealed record RunEnvironment(
    string Product,
    string OnnxRuntime,
    string OrtFlavor,
    IReadOnlyList<string> ExecutionProviders,
    string DotNet,
    string OperatingSystem,
    string Architecture,
    string Processor,
    int Cores,
    IReadOnlyList<string> Simd,
    long MemoryMb,
    IReadOnlyDictionary<string, string> Packages)
{
#if ORT_GPU
    private const string Flavor = "Gpu";
#elif ORT_TRAINING
    private const string Flavor = "Training";
#else
    private const string Flavor = "Cpu";
#endif

    /// <summary>Looks at this process and machine. Starts ONNX Runtime's environment if nothing else has.</summary>
    public static RunEnvironment Capture()
    {
        var assembly = typeof(RunEnvironment).Assembly;
        return new RunEnvironment(
            VersionOf(assembly),
            OrtEnv.Instance().GetVersionString(),
            Flavor,
            OrtEnv.Instance().GetAvailableProviders(),
            RuntimeInformation.FrameworkDescription,
            RuntimeInformation.OSDescription,
            RuntimeInformation.ProcessArchitecture.ToString(),
            ProcessorName() ?? RuntimeInformation.ProcessArchitecture.ToString(),
            Environment.ProcessorCount,
            InstructionSets(),
            GC.GetGCMemoryInfo().TotalAvailableMemoryBytes >> 20,
            new[] { assembly, typeof(GraphBuilder).Assembly }
                .SelectMany(static a => a.GetReferencedAssemblies())
                .Where(static name => !IsOwnOrPlatform(name.Name!))
                .DistinctBy(static name => name.Name)
                .OrderBy(static name => name.Name, StringComparer.Ordinal)
                .ToDictionary(static name => name.Name!, static name => VersionOf(Assembly.Load(name)), StringComparer.Ordinal));
    }

    private static bool IsOwnOrPlatform(string name) => name.StartsWith("AutoProg.", StringComparison.Ordinal) || name.StartsWith("System.", StringComparison.Ordinal) || name is "Microsoft.Win32.Registry";

    /// <summary>The package's version, without the commit that some builds append.</summary>
    private static string VersionOf(Assembly assembly) =>
        assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? assembly.GetName().Version?.ToString() ?? "unknown";

    private static string[] InstructionSets() =>
    [
        .. new (string Name, bool Present)[]
        {
            ("Avx512F", Avx512F.IsSupported), ("Avx2", Avx2.IsSupported), ("Fma", Fma.IsSupported), ("AdvSimd", AdvSimd.IsSupported),
            ("Vector512", Vector512.IsHardwareAccelerated), ("Vector256", Vector256.IsHardwareAccelerated), ("Vector128", Vector128.IsHardwareAccelerated),
        }.Where(static set => set.Present).Select(static set => set.Name),
    ];

    private static string? ProcessorName()
    {
        try
        {
            return System.OperatingSystem.IsWindows()
                ? Registry.GetValue(@"HKEY_LOCAL_MACHINE\HARDWARE\DESCRIPTION\System\CentralProcessor\0", "ProcessorNameString", null) as string
                : File.ReadLines("/proc/cpuinfo").FirstOrDefault(static line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':', 2)[^1].Trim();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or System.Security.SecurityException)
        {
            return null;
        }
    }
}
