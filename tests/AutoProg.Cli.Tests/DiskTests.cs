using System.ComponentModel;
using System.Diagnostics;

namespace AutoProg.Cli.Tests;

/// <summary>Disks that are full or refuse to be written to: small file systems in memory, which take a Linux machine and the right to mount.</summary>
public sealed class DiskTests : IDisposable
{
    // Weights, an average and two moments of the tiny model take about 300 KB.
    private const string Small = "size=1m";

    private static readonly string[] Settings =
        ["--policy", "prog", "--set", "ema.decays=[0.9]", "--set", "checkpoints.keep=50", "--epochs", "8", "--ckpt-every", "1", "--threads", "1", "--quiet"];

    private readonly TemporaryFolder folder = new();
    private readonly string disk;
    private bool isMounted;

    public DiskTests()
    {
        disk = folder["disk"];
        Directory.CreateDirectory(disk);
    }

    public void Dispose()
    {
        if (isMounted)
        {
            Assert.Equal(0, Call("umount", "--lazy", disk));
        }

        folder.Dispose();
    }

    [MountFact]
    public async Task A_full_disk_ends_a_run_with_its_last_checkpoint_intact_and_more_space_lets_it_go_on()
    {
        Mount(Small);
        Assert.Equal(0, (await AutoprogProcess.RunAsync(NewRun(folder.Path, "whole"))).Code);

        var full = await AutoprogProcess.RunAsync(NewRun(disk, "a"));

        Assert.Equal(1, full.Code);
        Assert.Matches($"^(warning: How the run failed is not in its log[^\n]*\n)?error: [^\n]*No space left on device[^\n]*{disk}[^\n]*\n$", full.Messages);
        Assert.Equal(0, Call("mount", "-o", "remount,size=64m", disk));
        var resumed = await AutoprogProcess.RunAsync("train", "--resume", Path.Combine(disk, "a"), "--threads", "1", "--quiet");
        Assert.Equal((0, ""), (resumed.Code, resumed.Messages));
        Assert.Equal(Model(folder["whole"]), Model(Path.Combine(disk, "a")));
    }

    [MountFact]
    public async Task A_disk_that_may_only_be_read_is_named_and_keeps_what_it_has()
    {
        Mount("size=64m");
        Assert.Equal(0, (await AutoprogProcess.RunAsync([.. NewRun(disk, "a"), "--max-train-steps", "3"])).Code);
        Assert.Equal(0, Call("mount", "-o", "remount,ro", disk));

        var fresh = await AutoprogProcess.RunAsync(NewRun(disk, "b"));
        var resumed = await AutoprogProcess.RunAsync("train", "--resume", Path.Combine(disk, "a"), "--max-train-steps", "5", "--threads", "1", "--quiet");

        Assert.Equal((1, 1), (fresh.Code, resumed.Code));
        Assert.Matches($"^error: Read-only file system : '{disk}/b'\n$", fresh.Messages);
        Assert.Matches($"^error: Read-only file system : '{disk}/a/.lock'\n$", resumed.Messages);
        Assert.Equal(0, Call("mount", "-o", "remount,rw", disk));
        Assert.Equal(0, (await AutoprogProcess.RunAsync("train", "--resume", Path.Combine(disk, "a"), "--max-train-steps", "5", "--threads", "1", "--quiet")).Code);
    }

    private static string[] NewRun(string output, string name) => ["train", Autoprog.TinyRecipe, "--output", output, "--experiment", name, .. Settings];

    private static byte[] Model(string run) => File.ReadAllBytes(Path.Combine(run, "export", "model.safetensors"));

    private void Mount(string options)
    {
        Assert.Equal(0, Call("mount", "-t", "tmpfs", "-o", options, "tmpfs", disk));
        isMounted = true;
    }

    private static int Call(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
        return process.ExitCode;
    }

    /// <summary>Says so where no file system can be mounted: not Linux, not root, or a container that may not.</summary>
    private sealed class MountFactAttribute : FactAttribute
    {
        private static readonly Lazy<bool> CanMount = new(static () =>
        {
            if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess)
            {
                return false;
            }

            using var folder = new TemporaryFolder();
            try
            {
                return Call("mount", "-t", "tmpfs", "-o", Small, "tmpfs", folder.Path) == 0 && Call("umount", folder.Path) == 0;
            }
            catch (Win32Exception)
            {
                return false; // there is no such program
            }
        });

        public MountFactAttribute()
        {
            if (!CanMount.Value)
            {
                Skip = "Mounting a file system in memory takes Linux, the program mount, and the right to do so.";
            }
        }
    }
}
