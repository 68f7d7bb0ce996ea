#!/usr/bin/env bash
# What somebody does who has nothing but the packages: installs the tool, and the library into a fresh project, from a folder, and trains a small model with each.
# Everything else comes from the packages that this repository has been restored with, so no network is needed.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
known=$(dotnet nuget locals global-packages --list)
known=${known#*: }
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 NUGET_PACKAGES="$work/installed"

"$root/tools/pack.sh" "$work/feed" -v:quiet
cat > "$work/nuget.config" << XML
<configuration>
  <packageSources><clear /><add key="feed" value="$work/feed" /></packageSources>
  <fallbackPackageFolders><clear /><add key="known" value="$known" /></fallbackPackageFolders>
</configuration>
XML
cd "$work"

echo '-- the tool'
dotnet tool install autoprog --tool-path "$work/tools" --configfile "$work/nuget.config"
cat > recipe.yaml << YAML
name: packaged
model: { name: deit_micro, img_size: 16, patch_size: 4, embed_dim: 24, num_heads: 2, depth: 2 }
data: { dataset: builtin, train_samples: 64, val_samples: 32, workers: 1 }
training: { epochs: 2, batch_size: 16 }
growth: { policy: prog, num_stages: 2 }
YAML
"$work/tools/autoprog" train recipe.yaml --output runs --experiment tool
test -s runs/tool/summary.json -a -s runs/tool/export/model.onnx

# The program on the page of each library, in a project that knows that package alone.
try_page() {
  echo "-- $1"
  mkdir "$1"
  cat > "$1/app.csproj" << XML
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
    <Nullable>enable</Nullable>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="$1" Version="*" />
  </ItemGroup>
</Project>
XML
  {
    printf 'using %s;\n' "${@:2}"
    sed -n '/^```csharp$/,/^```$/p' "$root/src/$1/README.md" | sed '/^```/d'
  } > "$1/Program.cs"
  dotnet run --project "$1" -c Release
}

try_page AutoProg.Graphs AutoProg.Graphs AutoProg.Graphs.Artifacts
try_page AutoProg.Models AutoProg.Models
try_page AutoProg.Ort AutoProg.Ort.Recipes AutoProg.Ort.Training | tee output
grep -q ' % after [0-9]* steps, in .*runs/' output
